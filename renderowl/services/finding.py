"""Renders found by their id alone, and all of a caller's, whatever their projects; and their files for a week."""

from typing import Any

from renderowl.db import renders as rows
from renderowl.domain.errors import NotFound
from renderowl.domain.ids import is_id
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import Principal, Render, Scope
from renderowl.services import playing, projects, renders
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.receiving import SHOWN_TTL_S
from renderowl.storage.base import SignedRequest


async def find(ctx: Context, principal: Principal, render_id: str, scope: Scope = "read") -> Render:
    """One render of the caller's. Raises NotFound for everybody else's, Forbidden without the scope."""
    render = await rows.get(ctx.db, render_id) if is_id(render_id, "rnd") else None
    try:
        if render is not None:
            await projects.get(ctx, principal, render.project_id, scope)
            return render
    except NotFound:
        pass  # the same answer, which names no project
    raise NotFound(f"there is no render {render_id!r}")


async def list_all(
    ctx: Context, principal: Principal, page: PageRequest, *, status: RenderStatus | None = None
) -> Page[Render]:
    """The caller's renders of all their projects, newest first; of a token's one project."""
    projects.require(principal, "read")
    if principal.project_id is not None:
        return await renders.list_page(ctx, principal, principal.project_id, page, status=status)
    found = await rows.list_page_of_owner(
        ctx.db, principal.user_id, before_id=page.before_id("rnd"), limit=page.limit + 1, status=status
    )
    return cut(found, page.limit, [render.id for render in found])


async def sign_files(ctx: Context, render: Render) -> list[tuple[dict[str, Any], SignedRequest]]:
    """The files of a render that was found, the main one first, with URLs that serve them for 7 days.

    Those of texts that players follow, such as playlists, are good for 24 h.
    """
    files: list[dict[str, Any]] = [] if render.output is None else render.output["outputs"]
    return [(file, await _sign(ctx, render, file)) for file in files]


async def _sign(ctx: Context, render: Render, file: dict[str, Any]) -> SignedRequest:
    if playing.is_played(file):
        return playing.sign_play(ctx, render.id, file["name"])
    return await ctx.storage.sign_get(file["key"], ttl_s=SHOWN_TTL_S, download_name=file["name"])
