"""Routes of sessions and their edit decision lists."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import BodyKwarg, FromPath, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.bodies import Body, FreeBody
from renderowl.domain.errors import FieldError
from renderowl.domain.records import EditList, Session
from renderowl.domain.spec.fields import Spec
from renderowl.services import projects, sessions
from renderowl.services.paging import Page

EDL: Final = {
    "masterCamera": "A",
    "durationMs": 60000,
    "sources": {
        "A": {"assetId": "ast_01kap3m0e8x9w2c6v4t7r5q1zn"},
        "B": {"assetId": "ast_01kap3m1p0f5s8d2g6h9j3k7wq", "offsetMs": 350},
    },
    "tracks": {
        "program": [
            {"id": "t1", "startMs": 1000, "endMs": 9000, "camera": "A"},
            {"id": "t2", "startMs": 9000, "endMs": 20000, "camera": "B"},
        ],
        "chapters": [{"title": "Opening", "startMs": 1000}],
    },
}
EdlBody = Annotated[
    dict[str, Any],
    BodyKwarg(
        media_type=RequestEncodingType.JSON,
        title="Edl",
        description="An edit decision list, finished or not; `GET /compositions/edit_list/schema` has its JSON Schema.",
        examples=[Example(summary="Two cameras", value=EDL)],
    ),
]


class SessionName(Spec, frozen=True):
    """What a session is called."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=projects.MAX_NAME)]


class EditListView(msgspec.Struct, frozen=True):
    """An edit list; `problems` are all that hinders it from being locked."""

    session_id: str
    status: Literal["draft", "locked"]
    version: int
    edl: dict[str, Any]
    problems: list[FieldError]
    locked_at: datetime | None
    updated_at: datetime


def _view(found: EditList) -> EditListView:
    return EditListView(
        session_id=found.session_id,
        status="draft" if found.locked_at is None else "locked",
        version=found.version,
        edl=found.document,
        problems=list(sessions.problems_of(found.document)),
        locked_at=found.locked_at,
        updated_at=found.updated_at,
    )


@get("/", summary="List sessions")
async def list_sessions(ctx: Ctx, principal: Caller, project_id: FromPath[str], page: PageAsked) -> Page[Session]:
    """The project's sessions, newest first."""
    return await sessions.list_page(ctx, principal, project_id, page)


@post("/", dto=Body[SessionName], return_dto=None, summary="Create a session")
async def create_session(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[SessionName]
) -> Session:
    """A recording by several cameras, of which films are cut."""
    return await sessions.create(ctx, principal, project_id, data.name)


@get("/{session_id:str}", summary="Get a session")
async def get_session(ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str]) -> Session:
    """One session."""
    return await sessions.get(ctx, principal, project_id, session_id)


@patch("/{session_id:str}", dto=Body[SessionName], return_dto=None, summary="Rename a session")
async def rename_session(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str], data: JSONBody[SessionName]
) -> Session:
    """Change the session's name."""
    return await sessions.rename(ctx, principal, project_id, session_id, data.name)


@delete("/{session_id:str}", summary="Delete a session")
async def delete_session(ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str]) -> None:
    """Delete it with its edit list; its renders stay."""
    await sessions.delete(ctx, principal, project_id, session_id)


@get("/{session_id:str}/edl", summary="Get an edit list")
async def get_edl(ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str]) -> EditListView:
    """The session's edit decision list, with all that hinders it from being locked."""
    return _view(await sessions.get_edit_list(ctx, principal, project_id, session_id))


@put("/{session_id:str}/edl", dto=FreeBody, return_dto=None, summary="Save an edit list")
async def put_edl(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str], data: EdlBody
) -> EditListView:
    """Save the draft as it is, finished or not; `problems` says what it lacks. 409 while it is locked."""
    return _view(await sessions.put_draft(ctx, principal, project_id, session_id, data))


@post("/{session_id:str}/edl/lock", status_code=200, summary="Lock an edit list")
async def lock_edl(ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str]) -> EditListView:
    """Check it whole and lock it, so that it can be rendered. Locking it again changes nothing."""
    return _view(await sessions.lock(ctx, principal, project_id, session_id))


@delete("/{session_id:str}/edl/lock", status_code=200, summary="Unlock an edit list")
async def unlock_edl(ctx: Ctx, principal: Caller, project_id: FromPath[str], session_id: FromPath[str]) -> EditListView:
    """Make it a draft again. Renders hold a copy of the list as it was."""
    return _view(await sessions.unlock(ctx, principal, project_id, session_id))


router = Router(
    "/projects/{project_id:str}/sessions",
    route_handlers=[
        list_sessions,
        create_session,
        get_session,
        rename_session,
        delete_session,
        get_edl,
        put_edl,
        lock_edl,
        unlock_edl,
    ],
)
