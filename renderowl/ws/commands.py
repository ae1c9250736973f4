"""What a member may have done over the socket: the same services as the HTTP routes, with `ref` as idempotency key."""

from typing import Final

from renderowl.domain.placing import told_at
from renderowl.domain.records import Principal
from renderowl.services import renders
from renderowl.services.asking import read_request
from renderowl.services.context import Context
from renderowl.ws import frames

_PLACES: Final = {"/Idempotency-Key": "/ref", "": "/data"}


async def perform(ctx: Context, principal: Principal, project_id: str, command: frames.Command) -> frames.Ack:
    """Carry out a command. Raises what the service raises."""
    match command:
        case frames.RenderCreate(ref, data):
            with told_at(_PLACES):
                asked = await read_request(ctx, data)
                done = await renders.submit(ctx, principal, project_id, asked, idempotency_key=ref)
            return frames.Ack(ref, done.render.id, done.render.status, done.deduplicated)
        case frames.RenderCancel(ref, render_id):
            render = await renders.cancel(ctx, principal, project_id, render_id)
            return frames.Ack(ref, render.id, render.status)
        case frames.RenderRetry(ref, render_id):
            render = await renders.retry(ctx, principal, project_id, render_id)
            return frames.Ack(ref, render.id, render.status)
