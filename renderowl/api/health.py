"""Routes for whoever watches the service. They tell no secret; metrics may be kept from strangers by a token."""

import asyncio
import hmac
from typing import Annotated, Final

import msgspec
import structlog
from litestar import Response, get
from litestar.datastructures import State
from litestar.params import HeaderParameter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from renderowl import __version__
from renderowl.api.access import Ctx
from renderowl.api.limits import UNLIMITED
from renderowl.domain.errors import Unauthenticated, Unavailable
from renderowl.services import health
from renderowl.services.health import Readiness

log = structlog.get_logger(__name__)

SCRAPE_TIMEOUT_S: Final = 2.0
_PROMETHEUS: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""Litestar says the charset of text itself."""

Authorization = Annotated[str | None, HeaderParameter(name="Authorization", required=False)]


class Alive(msgspec.Struct, frozen=True):
    status: str
    version: str


@get(["/health", "/healthz"], opt=UNLIMITED, summary="Tell that the process lives")
async def get_health() -> Alive:
    """Answers as long as the process runs."""
    return Alive("ok", __version__)


@get("/readyz", opt=UNLIMITED, summary="Tell whether every part is ready")
async def get_readiness(ctx: Ctx) -> Response[Readiness]:
    """200 when Postgres, Redis and the storage answer, 503 naming the part that does not."""
    found = await health.readiness(ctx)
    return Response(found, status_code=200 if found.ready else 503)


@get("/metrics", opt=UNLIMITED, summary="Metrics for Prometheus", media_type=_PROMETHEUS)
async def get_metrics(ctx: Ctx, state: State, authorization: Authorization = None) -> bytes:
    """Counters of this process, and the queue as Postgres had it in the last seconds.

    With RENDEROWL_METRICS_TOKEN set, send it as bearer.
    """
    wanted = ctx.settings.metrics_token
    if wanted and not hmac.compare_digest((authorization or "").encode(), f"Bearer {wanted}".encode()):
        raise Unauthenticated("send `Authorization: Bearer <RENDEROWL_METRICS_TOKEN>`")
    try:
        async with asyncio.timeout(SCRAPE_TIMEOUT_S):
            await state["queue_gauges"].refresh()
    except (Unavailable, TimeoutError) as error:  # the counters are all the more of interest now
        log.warning("queue_unobserved", reason=str(error))
    return generate_latest()


handlers = [get_health, get_readiness, get_metrics]
