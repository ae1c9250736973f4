"""The scenes that a project keeps, to be rendered as a slideshow later: one document, in the storage."""

from typing import Final

import msgspec

from renderowl.domain.errors import NotFound
from renderowl.domain.records import Principal
from renderowl.domain.spec.slideshow import SlideshowSpec
from renderowl.services import projects
from renderowl.services.context import Context
from renderowl.storage.base import ObjectMissing

_TYPE: Final = "application/json"


async def put(ctx: Context, principal: Principal, project_id: str, spec: SlideshowSpec) -> None:
    """Keep these scenes instead of those before."""
    await projects.get(ctx, principal, project_id, "write")
    await ctx.storage.put_bytes(_key(project_id), msgspec.json.encode(spec), content_type=_TYPE)


async def get(ctx: Context, principal: Principal, project_id: str) -> SlideshowSpec:
    """The scenes that were kept last. Raises NotFound before there are any."""
    await projects.get(ctx, principal, project_id)
    try:
        data = b"".join([chunk async for chunk in ctx.storage.read(_key(project_id))])
    except ObjectMissing:
        raise NotFound("the project has no scenes yet") from None
    return msgspec.json.decode(data, type=SlideshowSpec)


def _key(project_id: str) -> str:
    return f"projects/{project_id}/scenes.json"
