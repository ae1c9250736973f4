"""What a render is asked for with: the body, and all that can be known to be wrong with it before anything is looked up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.lifecycle import Priority
from renderowl.domain.placing import once
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.reading import canonical, read
from renderowl.pipeline.ask import refuse
from renderowl.pipeline.compositions import Ask
from renderowl.services import routing
from renderowl.services.context import Context
from renderowl.services.drafting import read_ask

MAX_METADATA_BYTES = 16 * 1024
MAX_LABELS = 8
_READ_WITHIN: Final = ("input_props", "output_settings")
"""Fields that `check` reads itself, whatever they hold."""


class RenderRequest(Spec, frozen=True):
    """The body of a render: which composition, with what, into which file. `requires` are labels of workers.

    `force` encodes everything anew, whatever the segment cache holds.
    """

    composition_id: str
    input_props: dict[str, Any] = msgspec.field(default_factory=dict)
    output_settings: dict[str, Any] = msgspec.field(default_factory=dict)
    priority: Priority = "normal"
    webhook_url: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    supersede_key: str | None = None
    requires: list[str] = msgspec.field(default_factory=list)
    force: bool = False


async def read_request(ctx: Context, document: object, *, wrong: Sequence[FieldError] = ()) -> RenderRequest:
    """Read a body as a request, its spec only as far as it must be to be kept.

    Raises ValidationFailed, and then with everything: what is `wrong` already, the body's own problems, and all that
    `check` finds in what is left of it.
    """
    reading = read(document, RenderRequest, at="")
    if reading.value is not None and not wrong:
        return reading.value
    errors = [*wrong, *reading.errors]
    if not isinstance(document, Mapping):
        refuse(errors)
    kind = ValidationFailed
    try:
        await check(ctx, left_of(document, reading.right))
    except ValidationFailed as error:
        errors += error.errors
        kind = ValidationFailed if reading.errors else type(error)
    refuse(once(errors), kind)


def left_of(document: Mapping[Any, object], right: Mapping[str, Any]) -> RenderRequest:
    """What is left of a body when some of it is wrong: the fields that are `right`, and its spec whatever that holds."""
    said = canonical(document, RenderRequest)
    within = {name: said[name] for name in _READ_WITHIN if said.get(name) is not None}
    good = {name: right[name] for name in RenderRequest.__struct_fields__ if name in right}
    return RenderRequest(**{"composition_id": ""} | good | within)


async def check(ctx: Context, request: RenderRequest) -> Ask:
    """The request, read whole. Raises UnknownComposition or ValidationFailed, with every problem of body and spec."""
    found = _problems(ctx, request)
    try:
        ask = await read_ask(ctx, request.composition_id, request.input_props, request.output_settings)
    except ValidationFailed as error:
        refuse([*found, *error.errors], type(error))
    found += routing.problems(ctx.settings, request.requires, ask)
    if found:
        refuse(found)
    return ask


def _problems(ctx: Context, request: RenderRequest) -> list[FieldError]:
    problems = []
    if request.webhook_url is not None and (wrong := ctx.outbound.places.problem(request.webhook_url)):
        problems.append(FieldError("/webhook_url", wrong))
    if len(msgspec.json.encode(request.metadata)) > MAX_METADATA_BYTES:
        problems.append(FieldError("/metadata", f"must be at most {MAX_METADATA_BYTES} bytes of JSON"))
    if request.supersede_key is not None and not (1 <= len(request.supersede_key) <= 255):
        problems.append(FieldError("/supersede_key", "must have 1 to 255 characters"))
    if len(request.requires) > MAX_LABELS or not all(1 <= len(label) <= 64 for label in request.requires):
        problems.append(FieldError("/requires", f"must be at most {MAX_LABELS} labels of 1 to 64 characters"))
    return problems
