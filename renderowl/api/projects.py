"""Routes of projects."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.bodies import Body
from renderowl.domain.spec.fields import Spec
from renderowl.services import projects
from renderowl.services.paging import Page
from renderowl.services.views import ProjectView, project_view

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=projects.MAX_NAME)]
Description = Annotated[str, msgspec.Meta(max_length=5000)]


class ProjectCreate(Spec, frozen=True):
    """A new project."""

    name: Name
    description: Description | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


class ProjectUpdate(Spec, frozen=True):
    """What to change of a project; a field that is left out stays."""

    name: Name | None = None
    description: Description | None = None
    settings: dict[str, Any] | None = None
    status: Literal["active", "archived"] | None = None


@get("/", summary="List projects")
async def list_projects(ctx: Ctx, principal: Caller, page: PageAsked) -> Page[ProjectView]:
    """Your projects, newest first."""
    found = await projects.list_page(ctx, principal, page)
    return Page([project_view(project) for project in found.items], found.next_cursor)


@post("/", dto=Body[ProjectCreate], return_dto=None, summary="Create a project")
async def create_project(ctx: Ctx, principal: Caller, data: JSONBody[ProjectCreate]) -> ProjectView:
    """A project holds assets and renders, and is a room."""
    made = await projects.create(ctx, principal, name=data.name, description=data.description, settings=data.settings)
    return project_view(made)


@get("/{project_id:str}", summary="Get a project")
async def get_project(ctx: Ctx, principal: Caller, project_id: FromPath[str]) -> ProjectView:
    """One project."""
    return project_view(await projects.get(ctx, principal, project_id))


@patch("/{project_id:str}", dto=Body[ProjectUpdate], return_dto=None, summary="Change a project")
async def update_project(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[ProjectUpdate]
) -> ProjectView:
    """Change name, description, settings or status."""
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
    return project_view(await projects.update(ctx, principal, project_id, changes))


@delete("/{project_id:str}", summary="Delete a project")
async def delete_project(ctx: Ctx, principal: Caller, project_id: FromPath[str]) -> None:
    """Cancel its renders and remove everything it holds."""
    await projects.delete(ctx, principal, project_id)


router = Router(
    "/projects", route_handlers=[list_projects, create_project, get_project, update_project, delete_project]
)
