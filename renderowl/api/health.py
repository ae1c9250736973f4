"""Routes for whoever watches the service. They need no credential and tell no secret."""

import msgspec
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from renderowl import __version__
from renderowl.api.access import Ctx
from renderowl.services import health
from renderowl.services.health import Readiness


class Alive(msgspec.Struct, frozen=True):
    status: str
    version: str


@get(["/health", "/healthz"], summary="Tell that the process lives")
async def get_health() -> Alive:
    """Answers as long as the process runs."""
    return Alive("ok", __version__)


@get("/readyz", summary="Tell whether every part is ready")
async def get_readiness(ctx: Ctx) -> Response[Readiness]:
    """200 when Postgres, Redis and the storage answer, 503 naming the part that does not."""
    found = await health.readiness(ctx)
    return Response(found, status_code=200 if found.ready else 503)


@get("/metrics", summary="Metrics for Prometheus", media_type=CONTENT_TYPE_LATEST)
async def get_metrics() -> bytes:
    """Counters and histograms in Prometheus' text format."""
    return generate_latest()


handlers = [get_health, get_readiness, get_metrics]
