"""Projects: a room, assets and renders under one owner."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from renderowl.db import projects, renders
from renderowl.domain.errors import FieldError, Forbidden, NotFound, RenderOwlError, ValidationFailed
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.records import ALL_SCOPES, Principal, Project, Scope
from renderowl.services import quotas
from renderowl.services.context import Context
from renderowl.services.ending import cancel_render
from renderowl.services.paging import Page, PageRequest, cut

MAX_NAME = 200
MAX_SETTINGS_BYTES = 16 * 1024
DEFAULT: Final = "default"
"""The handle of the project that is used where a caller names none."""

_HANDLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def implied(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """These scopes with those they include: `admin` the others, `write` also `read`."""
    if "admin" in scopes:
        return ALL_SCOPES
    return scopes | {"read"} if "write" in scopes else scopes


def require(principal: Principal, scope: Scope) -> None:
    """Raise Forbidden unless the principal has this scope or one that includes it."""
    if scope not in implied(principal.scopes):
        having = ", ".join(sorted(principal.scopes)) or "none"
        raise Forbidden(f"this needs the scope `{scope}`; the credential has {having}")


async def create(
    ctx: Context, principal: Principal, *, name: str, description: str | None, settings: dict[str, Any]
) -> Project:
    """Make a project owned by the caller. Raises QuotaExceeded."""
    require(principal, "write")
    if principal.project_id is not None:
        raise Forbidden("this token is for one project and makes no others")
    check_name(name)
    check_settings(settings)
    return await _make(ctx, principal, name, description=description, settings=settings)


async def get(ctx: Context, principal: Principal, project_id: str, scope: Scope = "read") -> Project:
    """The project, if it is the caller's. Raises NotFound for everybody else's, Forbidden without the scope."""
    project = None
    if principal.project_id in (None, project_id) and "\x00" not in project_id:
        owner_id = None if principal.is_admin else principal.user_id
        project = await projects.get(ctx.db, project_id, owner_id=owner_id)
    if project is None:
        raise NotFound(f"there is no project {project_id!r}")
    require(principal, scope)
    return project


async def find(ctx: Context, principal: Principal, name: str, scope: Scope = "read") -> Project:
    """The project of this id, or the one that the caller calls so. Raises as `get` does."""
    known = None
    if _HANDLE.fullmatch(name) and not is_id(name, "prj"):
        known = await projects.find_by_handle(ctx.db, principal.user_id, name)
    return await get(ctx, principal, known or name, scope)


async def ensure(ctx: Context, principal: Principal, name: str, *, at: str) -> Project:
    """The project of this id, or the one that the caller calls so, made when there is none.

    A token is for one project: it makes none, and that project is its default. Raises ValidationFailed naming `at`.
    """
    if principal.project_id is not None:
        return await find(ctx, principal, principal.project_id if name == DEFAULT else name, "write")
    if is_id(name, "prj"):
        return await get(ctx, principal, name, "write")
    require(principal, "write")
    if not _HANDLE.fullmatch(name):
        problem = FieldError(at, "must have 1 to 100 letters, digits, dots, underscores and hyphens, no sign first")
        raise ValidationFailed(errors=[problem])
    known = await projects.find_by_handle(ctx.db, principal.user_id, name)
    if known is not None:
        return await get(ctx, principal, known, "write")
    return await _make(ctx, principal, name, handle=name)


async def _make(
    ctx: Context,
    principal: Principal,
    name: str,
    *,
    description: str | None = None,
    settings: dict[str, Any] | None = None,
    handle: str | None = None,
) -> Project:
    async with ctx.db.transaction():
        await quotas.require(ctx, principal.user_id, "projects")
        return await projects.insert(
            ctx.db,
            project_id=new_id("prj"),
            owner_id=principal.user_id,
            name=name,
            description=description,
            settings=settings or {},
            handle=handle,
        )


async def refusals(ctx: Context, asked: Sequence[tuple[Principal, str]]) -> list[RenderOwlError | None]:
    """Why each of these callers may not see that project, None if it may: what `get` raises, in one query for all."""
    known = await projects.owners(ctx.db, list({project_id for _, project_id in asked if "\x00" not in project_id}))
    return [_refusal(principal, project_id, known.get(project_id)) for principal, project_id in asked]


def _refusal(principal: Principal, project_id: str, owner_id: str | None) -> RenderOwlError | None:
    is_theirs = owner_id is not None and (principal.is_admin or principal.user_id == owner_id)
    if not is_theirs or principal.project_id not in (None, project_id):
        return NotFound(f"there is no project {project_id!r}")
    try:
        require(principal, "read")
    except Forbidden as error:
        return error
    return None


async def list_page(ctx: Context, principal: Principal, page: PageRequest) -> Page[Project]:
    """The caller's projects, newest first; an administrator's own too, not everybody's."""
    require(principal, "read")
    if principal.project_id is not None:
        return Page([await get(ctx, principal, principal.project_id)])
    found = await projects.list_page(
        ctx.db, owner_id=principal.user_id, before_id=page.before_id("prj"), limit=page.limit + 1
    )
    return cut(found, page.limit, [project.id for project in found])


async def update(ctx: Context, principal: Principal, project_id: str, changes: dict[str, Any]) -> Project:
    """Change name, description, settings or status (active, archived)."""
    await get(ctx, principal, project_id, "write")
    if "name" in changes:
        check_name(changes["name"])
    if "settings" in changes:
        check_settings(changes["settings"])
    await projects.update(ctx.db, project_id, changes)
    return await get(ctx, principal, project_id)


async def delete(ctx: Context, principal: Principal, project_id: str) -> None:
    """Cancel the project's renders, remove its objects and its rows. Can be called again after a crash."""
    await get(ctx, principal, project_id, "write")
    await projects.update(ctx.db, project_id, {"status": "deleting"})
    await finish_deleting(ctx, project_id)


async def finish_deleting(ctx: Context, project_id: str) -> None:
    """Do what is left of a deletion: renders, then objects, then rows; so that no object is left without a row."""
    while active := await renders.list_active(ctx.db, project_id):
        for render in active:
            async with ctx.db.transaction() as tx:
                await cancel_render(ctx, tx, render.id)
    await ctx.storage.delete_prefix(f"projects/{project_id}/")
    await projects.delete(ctx.db, project_id)


async def sweep(ctx: Context) -> int:
    """Finish the deletions a crash left; the reaper's slow tick."""
    left = await projects.deleting(ctx.db)
    for project_id in left:
        await finish_deleting(ctx, project_id)
    return len(left)


def check_settings(settings: dict[str, Any]) -> None:
    """Raise ValidationFailed when the settings are too large to be told with every project of a page."""
    if len(msgspec.json.encode(settings)) > MAX_SETTINGS_BYTES:
        problem = FieldError("/settings", f"must be at most {MAX_SETTINGS_BYTES} bytes of JSON")
        raise ValidationFailed(errors=[problem])


def check_name(name: str) -> None:
    """Raise ValidationFailed unless `name` is 1 to 200 characters of text."""
    if not name.strip() or len(name) > MAX_NAME or "\x00" in name:
        raise ValidationFailed(errors=[FieldError("/name", f"must have 1 to {MAX_NAME} characters")])
