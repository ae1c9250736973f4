"""The installation as it is now, for administrators."""

from litestar import get

from renderowl.api.access import Caller, Ctx
from renderowl.services import overview
from renderowl.services.overview import Overview


@get("/overview", summary="Look at the queue and the workers")
async def get_overview(ctx: Ctx, principal: Caller) -> Overview:
    """The backlog by class, pauses, workers and the steps they hold. Needs an administrator's credential."""
    return await overview.look_as(ctx, principal)


handlers = [get_overview]
