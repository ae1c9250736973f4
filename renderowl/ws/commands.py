"""What a member may have done over the socket: the same services as the HTTP routes, with `ref` as idempotency key."""

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.records import Principal
from renderowl.domain.spec.reading import read
from renderowl.services import renders
from renderowl.services.context import Context
from renderowl.services.renders import RenderRequest
from renderowl.ws import frames


async def perform(ctx: Context, principal: Principal, project_id: str, command: frames.Command) -> frames.Ack:
    """Carry out a command. Raises what the service raises."""
    match command:
        case frames.RenderCreate(ref, data):
            reading = read(data, RenderRequest, at="/data")
            if reading.value is None:
                raise ValidationFailed(errors=reading.errors)
            done = await renders.submit(ctx, principal, project_id, reading.value, idempotency_key=ref)
            return frames.Ack(ref, done.render.id, done.render.status, done.deduplicated)
        case frames.RenderCancel(ref, render_id):
            render = await renders.cancel(ctx, principal, project_id, render_id)
            return frames.Ack(ref, render.id, render.status)
        case frames.RenderRetry(ref, render_id):
            render = await renders.retry(ctx, principal, project_id, render_id)
            return frames.Ack(ref, render.id, render.status)
