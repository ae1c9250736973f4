"""The route by which a remote endpoint tells that there is news of a render. What it says is a hint, never the truth."""

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, QueryParameter

from renderowl.api.access import Ctx
from renderowl.api.limits import UNLIMITED
from renderowl.domain.errors import MalformedRequest
from renderowl.services import errands
from renderowl.services.context import Context
from renderowl.services.errands import Callback, CallbackReceipt

MAX_CALLBACK_BYTES = 4 * 1024**2
"""RunPod sends the handler's whole output along."""

_callback = msgspec.json.Decoder(Callback)


class _Told(Operation):
    """What is sent there is RunPod's affair, or a handler's: three of its fields are looked at."""

    def __post_init__(self) -> None:
        media = OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.OBJECT), example={"id": "eaebd6e7-u1", "status": "COMPLETED"}
        )
        self.request_body = RequestBody(content={"application/json": media}, required=True)


async def require_signature(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Look at who is calling before anything is read of what they say. Raises Unauthenticated."""
    assert isinstance(connection, Request)
    ctx: Context = connection.app.state["context"]
    errands.verify_callback(ctx, connection.path_params["job_id"], connection.query_params.get("signature", ""))


@post(
    "/api/runpod/callback/{job_id:str}",
    guards=[require_signature],
    opt=UNLIMITED,
    operation_class=_Told,
    status_code=200,
    request_max_body_size=MAX_CALLBACK_BYTES,
    security=[{"callback": []}],
    summary="Take a remote endpoint's callback",
)
async def receive_callback(
    ctx: Ctx,
    request: Request[Any, Any, Any],
    job_id: FromPath[str],
    signature: Annotated[
        str, QueryParameter(description="As it was in the URL that was given away", max_length=200)
    ] = "",
) -> CallbackReceipt:
    """News of a job: RunPod's own word at its end, or its handler's on the way (`progress`, 0 to 100). The endpoint is then
    asked how the job is; nothing else of what is said is believed. `wanted: false` means: stop.
    """
    try:
        said = _callback.decode(await request.body())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MalformedRequest("the body is no JSON object") from None
    return await errands.take_callback(ctx, job_id, said)


handlers = [receive_callback]
