"""The library: a caller's games, clips, regions and films, each kind made, listed, replaced and deleted alike."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import msgspec

from renderowl.db import library as rows
from renderowl.domain.errors import Conflict, FieldError, Forbidden, NotFound, ValidationFailed
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.library import Kind
from renderowl.domain.records import Principal, Scope
from renderowl.domain.spec.fields import Spec
from renderowl.services import projects
from renderowl.services.context import Context
from renderowl.services.library_file import path_problems
from renderowl.services.paging import Page, PageRequest, cut

New = TypeVar("New", bound=Spec)
Stored = TypeVar("Stored", bound=Spec)


def require_own(principal: Principal, scope: Scope) -> None:
    """Raise Forbidden unless the caller may look at, or change, their library; a token is for one project and may not."""
    projects.require(principal, scope)
    if principal.project_id is not None:
        raise Forbidden("this token is for one project; the library is its owner's")


async def create(ctx: Context, principal: Principal, kind: Kind[New, Stored], item: New) -> Stored:
    """Store an item. Raises ValidationFailed with every problem: paths that lead elsewhere, parents that are not there."""
    require_own(principal, "write")
    item_id, now = new_id(kind.prefix), datetime.now(UTC)
    values = await _checked(ctx, principal, kind, item)
    row = values | {"id": item_id, "owner_id": principal.user_id, "created_at": now, "updated_at": now}
    try:
        await rows.insert(ctx.db, kind, [row])
    except asyncpg.ForeignKeyViolationError:
        raise Conflict(f"what the {kind.one} belongs to was deleted meanwhile") from None
    return await get(ctx, principal, kind, item_id)


async def get(ctx: Context, principal: Principal, kind: Kind[New, Stored], item_id: str) -> Stored:
    """One item. Raises NotFound."""
    require_own(principal, "read")
    found = await rows.get(ctx.db, kind, principal.user_id, item_id) if is_id(item_id, kind.prefix) else None
    if found is None:
        raise _missing(kind, item_id)
    return found


async def list_page(
    ctx: Context, principal: Principal, kind: Kind[New, Stored], page: PageRequest, *, parent: str | None
) -> Page[Stored]:
    """The caller's items, newest first; those of one parent, if one is named."""
    require_own(principal, "read")
    if parent is not None and "\x00" in parent:
        raise ValidationFailed(errors=[FieldError("/parent", "must not contain NUL characters")])
    before = page.before_id(kind.prefix)
    found = await rows.list_page(ctx.db, kind, principal.user_id, before_id=before, limit=page.limit + 1, parent=parent)
    return cut(found, page.limit, [str(msgspec.structs.asdict(item)["id"]) for item in found])


async def replace(ctx: Context, principal: Principal, kind: Kind[New, Stored], item_id: str, item: New) -> Stored:
    """Put another item in place of one; what is left out gets its default. Raises what `create` and `get` do."""
    require_own(principal, "write")
    await get(ctx, principal, kind, item_id)
    values = await _checked(ctx, principal, kind, item)
    try:
        replaced = await rows.replace(ctx.db, kind, principal.user_id, item_id, values)
    except asyncpg.ForeignKeyViolationError:
        raise Conflict(f"what the {kind.one} belongs to was deleted meanwhile") from None
    if replaced is None:
        raise _missing(kind, item_id)
    return replaced


async def delete(ctx: Context, principal: Principal, kind: Kind[Any, Any], item_id: str) -> None:
    """Delete an item with what hangs on it. Raises Conflict while working clips use it."""
    require_own(principal, "write")
    try:
        gone = is_id(item_id, kind.prefix) and await rows.delete(ctx.db, kind, principal.user_id, item_id)
    except asyncpg.ForeignKeyViolationError:
        raise Conflict(f"working clips use this {kind.one}: delete them first") from None
    if not gone:
        raise _missing(kind, item_id)


async def _checked(ctx: Context, principal: Principal, kind: Kind[New, Any], item: New) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(item)
    problems = [FieldError(at, why) for at, why in path_problems(item)]
    for field, table in kind.parents.items():
        named = values.get(field)
        if named is not None and not await rows.owned(ctx.db, table, principal.user_id, [named]):
            problems.append(FieldError(f"/{field}", f"there is no such thing among your {table.replace('_', ' ')}"))
    if problems:
        raise ValidationFailed(errors=problems)
    return values


def _missing(kind: Kind[Any, Any], item_id: str) -> NotFound:
    return NotFound(f"there is no {kind.one} {item_id!r}")
