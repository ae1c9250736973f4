"""The route of workers that report from out of Redis's reach."""

from typing import Any, Final

import msgspec
from litestar import Request, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody

from renderowl.api.access import Ctx
from renderowl.api.bodies import Body
from renderowl.api.limits import UNLIMITED
from renderowl.services import reports
from renderowl.services.context import Context
from renderowl.services.reports import ProgressReport

SIGNATURE_HEADER: Final = "RenderOwl-Signature"
MAX_REPORT_BYTES: Final = 4096


class ReportReceipt(msgspec.Struct, frozen=True):
    """`accepted` is False for a report that is no news: it came twice, or after a later one."""

    accepted: bool


async def require_signature(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Look at who is calling before anything is read of what they say. Raises Unauthenticated."""
    assert isinstance(connection, Request)
    ctx: Context = connection.app.state["context"]
    reports.verify(ctx, connection.headers.get(SIGNATURE_HEADER), await connection.body())


@post(
    "/v1/renders/webhooks/progress",
    guards=[require_signature],
    opt=UNLIMITED,
    dto=Body[ProgressReport],
    return_dto=None,
    status_code=200,
    request_max_body_size=MAX_REPORT_BYTES,
    security=[{"report": []}],
    summary="Report a step's progress from outside",
)
async def report_progress(ctx: Ctx, data: JSONBody[ProgressReport]) -> ReportReceipt:
    """For workers out of Redis's reach. Signed with the claim's key; 409 means that the claim is lost: stop."""
    return ReportReceipt(await reports.take(ctx, data))


handlers = [report_progress]
