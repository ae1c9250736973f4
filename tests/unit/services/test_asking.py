"""Everything that is wrong with a request is told in one answer, whatever else is wrong with it."""

import copy
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from renderowl import settings
from renderowl.domain.errors import UnknownComposition, ValidationFailed
from renderowl.security.addresses import Places
from renderowl.security.outbound import Outbound
from renderowl.services.asking import check, read_request
from renderowl.services.context import Context

Fault = tuple[str, Any]
"""Where a value stands that is wrong, and the value."""

RIGHT: dict[str, Any] = {
    "composition_id": "timeline",
    "input_props": {"duration": 1, "tracks": [{"clips": [{"type": "text", "text": "hello"}]}]},
    "output_settings": {},
    "webhook_url": "https://example.org/told",
    "requires": ["gpu"],
}
MISSPELT: list[Fault] = [
    ("/priority", "soon"),
    ("/webhook_url", 3),
    ("/metadata", []),
    ("/metadata/a", "\0"),
    ("/supersede_key", {}),
    ("/requires", "gpu"),
    ("/requires/0", 1),
    ("/force", "yes"),
    ("/webhookurl", "https://example.org"),
]
"""What a body does not read with."""
REFUSED: list[Fault] = [
    ("/webhook_url", "ftp://example.org"),
    ("/metadata", {"a": "b" * 20_000}),
    ("/supersede_key", ""),
    ("/requires", [""]),
]
"""What a body reads with, and is refused for."""
OF_OUTPUT: list[Fault] = [
    ("/output_settings", "mp4"),
    ("/output_settings/codec", "realvideo"),
    ("/output_settings/crf", 99),
    ("/output_settings/watermark", {"src": "ftp://example.org/a.png"}),
    ("/output_settings/b", "\0"),
]
OF_SPEC: list[Fault] = [
    ("/input_props", []),
    ("/input_props/fps", 0),
    ("/input_props/tracks/0/clips/0/text", "a\0b"),
    ("/input_props/tracks/0/clips/0/opacity", 2),
    ("/input_props/trakcs", []),
]
TOLD_BELOW = {"/output_settings/watermark": "/src"}
"""Where in a wrong value the problem is."""


def context(**overrides: Any) -> Context:
    """All that reading a request takes: nothing is looked up."""
    nothing = cast(Any, None)
    outbound = Outbound(Places())
    return Context(settings.load({}, **overrides), nothing, nothing, nothing, nothing, nothing, outbound)


def spoilt(*faults: Fault) -> dict[str, Any]:
    body = copy.deepcopy(RIGHT)
    for place, value in faults:
        *way, last = place.split("/")[1:]
        holder: Any = body
        for name in way:
            holder = holder[int(name)] if isinstance(holder, list) else holder.setdefault(name, {})
        if isinstance(holder, list):
            holder[int(last)] = value
        else:
            holder[last] = value
    return body


async def refusal(document: object) -> ValidationFailed:
    with pytest.raises(ValidationFailed) as refused:
        await check(context(), await read_request(context(), document))
    return refused.value


async def told(document: object) -> set[str]:
    return {error.path for error in (await refusal(document)).errors}


def paths(*faults: Fault) -> set[str]:
    return {place + TOLD_BELOW.get(place, "") for place, _ in faults}


@pytest.mark.parametrize("inner", [OF_SPEC[2], OF_OUTPUT[1]], ids=lambda fault: fault[0])
@pytest.mark.parametrize("outer", [*MISSPELT, *REFUSED], ids=lambda fault: fault[0])
async def test_a_problem_of_the_body_does_not_hide_one_of_the_spec(outer: Fault, inner: Fault) -> None:
    assert await told(spoilt(outer, inner)) == paths(outer, inner)


def apart(faults: list[Fault]) -> bool:
    """Whether no fault stands at or below the place of another, where it would take its place."""
    places = [place for place, _ in faults]
    return not any(a is not b and (b + "/").startswith(a + "/") for a in places for b in places)


@given(st.lists(st.sampled_from([*MISSPELT, *REFUSED, *OF_OUTPUT, *OF_SPEC]), min_size=1, max_size=12).filter(apart))
@hypothesis_settings(max_examples=40, deadline=None)
async def test_any_faults_are_told_whole_and_nothing_else_is(faults: list[Fault]) -> None:
    assert await told(spoilt(*faults)) == paths(*faults)


async def test_what_is_right_is_read() -> None:
    request = await read_request(context(), RIGHT | {"compositionId": "timeline"})
    assert (request.composition_id, request.requires, request.priority) == ("timeline", ["gpu"], "normal")
    assert (await check(context(), request)).composition_id == "timeline"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"composition_id": "timelin"}, UnknownComposition),
        ({"composition_id": "timelin", "priority": "soon"}, ValidationFailed),
        ({"composition_id": 5}, ValidationFailed),
        ({"composition_id": None}, ValidationFailed),
    ],
)
async def test_an_unknown_composition_hides_nothing_that_does_not_depend_on_it(
    change: Mapping[str, Any], kind: type[ValidationFailed]
) -> None:
    error = await refusal(spoilt(("/requires", [""]), ("/output_settings/crf", 99)) | change)
    assert type(error) is kind
    expected = {"/requires", "/output_settings/crf", *(f"/{name}" for name in change)}
    assert {one.path for one in error.errors} == expected


@pytest.mark.parametrize("document", [[], "film", {}, {f"x{n}": n for n in range(500)} | {"requires": 1}])
async def test_a_body_without_anything_right_is_refused_with_a_bounded_answer(document: object) -> None:
    assert 1 <= len((await refusal(document)).errors) <= 100


async def test_what_contradicts_the_installation_is_told_with_the_rest() -> None:
    ctx = context(remote_endpoint="https://api.example.org/v2/abc")
    body = RIGHT | {"requires": ["remote"], "supersede_key": "", "output_settings": {"preview": {"hls": True}}}
    with pytest.raises(ValidationFailed) as refused:
        await check(ctx, await read_request(ctx, body))
    assert {error.path for error in refused.value.errors} == {"/supersede_key", "/output_settings/preview/hls"}
