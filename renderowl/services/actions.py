"""Actions of automations: what may be written, what is wrong with it, and doing one so that it is done once."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from renderowl.db import deliveries, executions
from renderowl.db.executions import render_key
from renderowl.domain import templates
from renderowl.domain.automations import ROOTS, Execution
from renderowl.domain.errors import Conflict, FieldError, RenderOwlError, ValidationFailed
from renderowl.domain.placing import told_at
from renderowl.domain.records import Principal
from renderowl.domain.spec.fields import Spec, camel
from renderowl.domain.spec.reading import MAX_ERRORS, read
from renderowl.services import renders
from renderowl.services.asking import RenderRequest, left_of, read_request
from renderowl.services.context import Context
from renderowl.services.drafting import read_ask
from renderowl.services.publishing import envelope

MAX_ACTIONS: Final = 5
MAX_ACTIONS_BYTES: Final = 65_536
_FIXED: Final = frozenset({"type", "composition_id", "url"})
"""Fields that are what they are: where something goes and what kind it is does not depend on who triggers it."""


class CreateRender(RenderRequest, frozen=True, tag_field="type", tag="create_render"):
    """Make a render, as `POST /projects/{id}/renders` does; templates in its texts are filled in first."""


class CallWebhook(Spec, frozen=True, tag_field="type", tag="call_webhook"):
    """POST a JSON object to a URL, signed with the project's webhook secret; without a body what the trigger said."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    body: dict[str, Any] | None = None


class CancelRender(Spec, frozen=True, tag_field="type", tag="cancel_render"):
    """Cancel a render of the project."""

    render_id: Annotated[str, Meta(min_length=1, max_length=200)]


Action = CreateRender | CallWebhook | CancelRender
_KINDS: Final[Mapping[str, type[Action]]] = {
    "create_render": CreateRender,
    "call_webhook": CallWebhook,
    "cancel_render": CancelRender,
}


class ActionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one action: what was sent, its templates filled in, and what that made."""

    type: Literal["create_render", "call_webhook", "cancel_render"]
    sent: dict[str, Any]
    render_id: str | None = None
    delivery_id: str | None = None


class Lost(Exception):
    """Another runner has taken the execution over."""


class ActionFailed(Exception):
    """An action that cannot be done, however often it is tried."""

    def __init__(self, error: RenderOwlError) -> None:
        super().__init__(str(error))
        self.error = error


# --- when they are written -----------------------------------------------------------------------------------------


async def check(ctx: Context, actions: Sequence[Action]) -> list[dict[str, Any]]:
    """The actions as they are stored. Raises ValidationFailed with everything that can be known to be wrong already."""
    documents: list[dict[str, Any]] = [msgspec.to_builtins(action) for action in actions]
    if found := await _problems(ctx, dict(enumerate(documents))):
        raise ValidationFailed(errors=found[:MAX_ERRORS])
    return documents


async def problems(ctx: Context, said: object) -> list[FieldError]:
    """Everything that is wrong with actions of which not all can be read: what `check` says of the rest is told too."""
    found: list[FieldError] = []
    left: dict[int, dict[str, Any]] = {}
    for index, one in enumerate(said[:MAX_ACTIONS] if isinstance(said, list) else ()):
        kind = _KINDS.get(str(one.get("type"))) if isinstance(one, Mapping) else None
        if kind is not None:
            reading = read(one, kind, at=f"/actions/{index}")
            found += reading.errors
            left[index] = reading.right
            if kind is CreateRender:
                left[index] = {"type": "create_render", **msgspec.to_builtins(left_of(one, reading.right))}
    return [*found, *await _problems(ctx, left)]


async def _problems(ctx: Context, documents: Mapping[int, dict[str, Any]]) -> list[FieldError]:
    """What is wrong with actions, or with what is left of them, beyond their shape."""
    found = []
    if len(msgspec.json.encode(list(documents.values()))) > MAX_ACTIONS_BYTES:
        found.append(FieldError("/actions", f"must be at most {MAX_ACTIONS_BYTES} bytes of JSON"))
    for index, document in documents.items():
        at = f"/actions/{index}"
        keep = _variables(document)
        found += templates.problems(document, at, ROOTS, keep)
        for name in _FIXED & document.keys():
            if "{{" in str(document[name]):
                found.append(FieldError(f"{at}/{name}", "takes no template"))
        found += _url_problems(ctx, document, at)
        if document["type"] == "create_render":
            found += await _spec_problems(ctx, document, at, keep)
    return found


def _url_problems(ctx: Context, document: Mapping[str, Any], at: str) -> list[FieldError]:
    for name in ("url", "webhook_url"):
        url = document.get(name)
        if url is not None and "{{" not in url and (problem := ctx.outbound.places.problem(url)):
            return [FieldError(f"{at}/{name}", problem)]
    return []


async def _spec_problems(ctx: Context, document: dict[str, Any], at: str, keep: frozenset[str]) -> list[FieldError]:
    """What is wrong with a spec but for the texts that are filled in later."""
    try:
        await read_ask(ctx, document["composition_id"], document["input_props"], document["output_settings"])
    except ValidationFailed as problem:
        later = [_canonical(place) for place in templates.places(document, at, keep)]
        found = [FieldError(at + error.path, error.message) for error in problem.errors]
        if not found:
            found = [FieldError(f"{at}/composition_id", problem.detail)]
        return [error for error in found if not _waits(document, at, _canonical(error.path), later)]
    return []


def _waits(document: Mapping[str, Any], at: str, path: str, later: Sequence[str]) -> bool:
    """Whether a problem may be one of a text that is not filled in yet, under whatever name it stands."""
    if any(path == place or path.startswith(place + "/") for place in later):
        return True
    parent = path.rpartition("/")[0]
    return path not in _paths(document, at) and any(place.rpartition("/")[0] == parent for place in later)


def _paths(document: Any, at: str) -> set[str]:
    named = document.items() if isinstance(document, Mapping) else enumerate(document)
    found = set()
    for name, child in named:
        path = _canonical(f"{at}/{name}")
        found.add(path)
        if isinstance(child, Mapping | list):
            found |= _paths(child, path)
    return found


def _canonical(path: str) -> str:
    """A pointer in which names are written in one way: snake_case and camelCase name the same field."""
    return camel(path)


def _variables(document: Mapping[str, Any]) -> frozenset[str]:
    """The names that the composition fills in by itself."""
    props = document.get("input_props")
    variables = props.get("variables") if isinstance(props, Mapping) else None
    return frozenset(str(name) for name in variables) if isinstance(variables, Mapping) else frozenset()


# --- when they are done --------------------------------------------------------------------------------------------


async def perform(ctx: Context, principal: Principal, execution: Execution, index: int) -> ActionResult:
    """Do one action and note its result on the execution; done again, it makes nothing a second time.

    Raises ActionFailed, and Unavailable when it should be tried again.
    """
    document = execution.actions[index]
    scope = {
        "trigger": execution.input,
        "automation": {"id": execution.automation_id},
        "execution": {"id": execution.id, "trigger": execution.trigger_type},
    }
    filled, problems = templates.fill(document, scope, f"/actions/{index}", _variables(document))
    if problems:
        raise ActionFailed(ValidationFailed(errors=problems))
    sent = {name: value for name, value in filled.items() if name != "type"}
    try:
        if document["type"] == "create_render":
            return await _create_render(ctx, principal, execution, index, sent)
        if document["type"] == "cancel_render":
            return await _cancel_render(ctx, principal, execution, index, sent)
        return await _call_webhook(ctx, execution, index, sent)
    except RenderOwlError as error:
        if error.retryable:
            raise
        raise ActionFailed(error) from error


async def _create_render(
    ctx: Context, principal: Principal, execution: Execution, index: int, sent: dict[str, Any]
) -> ActionResult:
    key = render_key(execution.id, index)
    with told_at({"": f"/actions/{index}"}):
        asked = await read_request(ctx, sent)
        made = await renders.submit(ctx, principal, execution.project_id, asked, idempotency_key=key)
    return await _note(ctx, execution, ActionResult("create_render", sent, render_id=made.render.id))


async def _cancel_render(
    ctx: Context, principal: Principal, execution: Execution, index: int, sent: dict[str, Any]
) -> ActionResult:
    render_id = sent["render_id"]
    if not isinstance(render_id, str):
        raise ValidationFailed(errors=[FieldError(f"/actions/{index}/render_id", "must be text")])
    try:
        await renders.cancel(ctx, principal, execution.project_id, render_id)
    except Conflict:
        # a try before this one may have cancelled it and died
        if (await renders.get(ctx, principal, execution.project_id, render_id)).status != "cancelled":
            raise
    return await _note(ctx, execution, ActionResult("cancel_render", sent, render_id=render_id))


async def _call_webhook(ctx: Context, execution: Execution, index: int, sent: dict[str, Any]) -> ActionResult:
    """Put it into the outbox together with its result: it is there once, and sent as every webhook is."""
    about = {"automation_id": execution.automation_id, "execution_id": execution.id}
    body = sent["body"]
    if body is None:
        body = envelope("automation.triggered", execution.project_id, execution.input, **about)
    async with ctx.db.transaction():
        delivery_id = await deliveries.insert(ctx.db, execution.project_id, "automation.triggered", sent["url"], body)
        return await _note(
            ctx, execution, ActionResult("call_webhook", {**sent, "body": body}, delivery_id=delivery_id)
        )


async def _note(ctx: Context, execution: Execution, result: ActionResult) -> ActionResult:
    """Add a result to the execution's. Raises Lost when another runner has taken over."""
    execution.results.append(msgspec.to_builtins(result))
    if not await executions.set_results(ctx.db, execution, execution.results):
        raise Lost(execution.id)
    return result
