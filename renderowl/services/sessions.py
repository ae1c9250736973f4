"""Sessions and their edit decision lists: edited as a draft, locked, and rendered as they were when they were locked."""

from collections.abc import Mapping
from typing import Any

from renderowl.db import renders as render_rows
from renderowl.db import sessions as rows
from renderowl.domain.errors import Conflict, FieldError, NotFound, ValidationFailed
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.records import EditList, Principal, Render, Scope, Session
from renderowl.domain.spec.edit_list import Edl
from renderowl.domain.spec.reading import read
from renderowl.services import projects, renders
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context
from renderowl.services.paging import MAX_LIMIT, Page, PageRequest, cut
from renderowl.services.renders import Submitted


async def create(ctx: Context, principal: Principal, project_id: str, name: str) -> Session:
    """Make a session, yet without an edit list."""
    await projects.get(ctx, principal, project_id, "write")
    projects.check_name(name)
    return await rows.insert(ctx.db, new_id("ses"), project_id, name)


async def get(ctx: Context, principal: Principal, project_id: str, session_id: str, scope: Scope = "read") -> Session:
    """One session of the caller's. Raises NotFound."""
    await projects.get(ctx, principal, project_id, scope)
    found = await rows.get(ctx.db, session_id, project_id=project_id) if is_id(session_id, "ses") else None
    if found is None:
        raise NotFound(f"there is no session {session_id!r} in this project")
    return found


async def find(ctx: Context, principal: Principal, session_id: str, scope: Scope = "read") -> Session:
    """One session of the caller's by its id alone. Raises NotFound."""
    found = await rows.get(ctx.db, session_id) if is_id(session_id, "ses") else None
    try:
        if found is not None:
            await projects.get(ctx, principal, found.project_id, scope)
            return found
    except NotFound:
        pass  # the same answer, which names no project
    raise NotFound(f"there is no session {session_id!r}")


async def list_page(ctx: Context, principal: Principal, project_id: str, page: PageRequest) -> Page[Session]:
    """The project's sessions, newest first."""
    await projects.get(ctx, principal, project_id)
    found = await rows.list_page(ctx.db, project_id, before_id=page.before_id("ses"), limit=page.limit + 1)
    return cut(found, page.limit, [one.id for one in found])


async def rename(ctx: Context, principal: Principal, project_id: str, session_id: str, name: str) -> Session:
    """Change a session's name."""
    await get(ctx, principal, project_id, session_id, "write")
    projects.check_name(name)
    await rows.rename(ctx.db, session_id, name)
    return await get(ctx, principal, project_id, session_id)


async def delete(ctx: Context, principal: Principal, project_id: str, session_id: str) -> None:
    """Delete a session with its edit list; its renders stay."""
    await get(ctx, principal, project_id, session_id, "write")
    await rows.delete(ctx.db, session_id)


# --- edit lists ----------------------------------------------------------------------------------------------------


def problems_of(document: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """All that hinders this edit list from being locked."""
    return read({**document, "status": "locked"}, Edl, at="").errors


async def get_edit_list(ctx: Context, principal: Principal, project_id: str, session_id: str) -> EditList:
    """A session's edit list. Raises NotFound when it has none yet."""
    await get(ctx, principal, project_id, session_id)
    return _there(await rows.get_edit_list(ctx.db, session_id))


async def put_draft(
    ctx: Context, principal: Principal, project_id: str, session_id: str, document: Mapping[str, Any]
) -> EditList:
    """Store an edit list as its editor has it, finished or not. Raises Conflict while it is locked."""
    await get(ctx, principal, project_id, session_id, "write")
    draft = {name: value for name, value in document.items() if name != "status"}
    stored = await rows.put_draft(ctx.db, session_id, draft)
    if stored is None:
        raise Conflict("the edit list is locked; unlock it to go on editing")
    return stored


async def lock(ctx: Context, principal: Principal, project_id: str, session_id: str) -> EditList:
    """Lock the edit list, so that it can be rendered. Raises ValidationFailed with everything that is wrong with it."""
    await get(ctx, principal, project_id, session_id, "write")
    found = _there(await rows.get_edit_list(ctx.db, session_id))
    if problems := problems_of(found.document):
        raise ValidationFailed("the edit list cannot be locked yet", errors=problems)
    locked = await rows.lock(ctx.db, session_id, found.version)
    if locked is None:
        raise Conflict("the edit list was changed meanwhile; look at it again")
    return locked


async def unlock(ctx: Context, principal: Principal, project_id: str, session_id: str) -> EditList:
    """Make the edit list a draft again; renders that were made of it keep their copy."""
    await get(ctx, principal, project_id, session_id, "write")
    return _there(await rows.unlock(ctx.db, session_id))


def _there(found: EditList | None) -> EditList:
    if found is None:
        raise NotFound("the session has no edit list yet")
    return found


# --- films ---------------------------------------------------------------------------------------------------------


async def submit(
    ctx: Context,
    principal: Principal,
    session_id: str,
    *,
    format: str,
    metadata: dict[str, Any],
    idempotency_key: str | None = None,
) -> Submitted:
    """Render a session's locked edit list; the render holds a copy of it. Raises Conflict when it is not locked."""
    session = await find(ctx, principal, session_id, "write")
    found = await rows.get_edit_list(ctx.db, session_id)
    if found is None or found.locked_at is None:
        raise Conflict("the session has no edit list yet" if found is None else "the edit list is a draft: lock it")
    props = {"session_id": session_id, "format": format, "edl": {**found.document, "status": "locked"}}
    asked = RenderRequest(composition_id="edit_list", input_props=props, metadata=metadata)
    return await renders.submit(ctx, principal, session.project_id, asked, idempotency_key=idempotency_key)


async def list_renders(ctx: Context, principal: Principal, session_id: str) -> list[Render]:
    """The session's newest renders, at most a hundred."""
    session = await find(ctx, principal, session_id)
    return await render_rows.list_of_session(ctx.db, session.project_id, session_id, limit=MAX_LIMIT)
