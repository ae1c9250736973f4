"""Templates: filled into texts once, from allowed places, as data and nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.domain.automations import ROOTS
from renderowl.domain.templates import MAX_FILLED_CHARS, fill, places, problems

SCOPE: dict[str, Any] = {
    "trigger": {"url": "https://a.example/?b={c}", "n": 7, "yes": True, "none": None, "list": [{"x": "y"}], "o": {}},
    "automation": {"id": "aut_1"},
    "execution": {"id": "exe_1"},
}


def filled(document: Any, scope: dict[str, Any] = SCOPE) -> Any:
    value, found = fill(document, scope, "")
    assert found == []
    return value


def refused(text: str, keep: tuple[str, ...] = ()) -> bool:
    """Whether a text is refused when it is written, or when it is filled in."""
    return bool(problems([text], "", ROOTS, keep)) or bool(fill([text], SCOPE, "", keep)[1])


def test_a_text_that_is_one_template_becomes_the_value_and_keeps_its_type() -> None:
    assert filled({"a": "{{trigger.n}}", "b": ["{{ trigger.yes }}"], "c": "{{trigger.none}}"}) == {
        "a": 7,
        "b": [True],
        "c": None,
    }


def test_within_a_text_values_are_written_as_json_writes_them() -> None:
    text = "{{trigger.n}}/{{trigger.yes}}/{{automation.id}}/{{trigger.list.0.x}}"
    assert filled(text) == "7/true/aut_1/y"


def test_names_of_fields_are_left_alone() -> None:
    assert filled({"{{trigger.n}}": 1}) == {"{{trigger.n}}": 1}


@pytest.mark.parametrize(
    "text",
    [
        *("{{trigger.{{trigger.url}}}}", "{{{{trigger.url}}}}", "{{trigger.url", "{{}}", "{{ }}", "{{trigger}}"),
        *("{{trigger.url.__class__}}", "{{trigger.__class__}}", "{{trigger.list.__len__}}", "{{trigger.list.-1}}"),
        *("{{trigger.list.1}}", "{{trigger.list}}", "{{trigger.o}}", "x {{trigger.none}}", "{{trigger.gone}}"),
        *("{{settings.secret_key}}", "{{os.environ.PATH}}", "{{trigger|upper}}", "{{trigger.n + 1}}", "{{7*7}}"),
        *("{{trigger['url']}}", "{{trigger.url()}}", "{{trigger..url}}", "{{.trigger.url}}", "{{TRIGGER.url}}"),
        *("{{trigger.list.0" + "0" * 50 + "}}", "{{trigger.\u0661}}", "{{trigger.url\n.x}}"),
    ],
)
def test_nothing_but_a_path_through_json_to_a_value_is_a_template(text: str) -> None:
    assert refused(text)


def test_every_problem_is_told_with_its_place() -> None:
    document = {"a/b": ["fine", "{{no.x}}"], "c": {"d": "{{trigger.x"}}
    assert [one.path for one in problems(document, "/actions/0", ROOTS)] == ["/actions/0/a~1b/1", "/actions/0/c/d"]
    missing = {"a": "{{trigger.x}}", "b": "{{trigger.y}}"}
    assert [one.path for one in fill(missing, SCOPE, "/actions/0")[1]] == ["/actions/0/a", "/actions/0/b"]


def test_names_of_variables_are_left_to_the_composition() -> None:
    document = {"text": "{{headline}} {{trigger.n}}", "other": "{{headline}}"}
    assert problems(document, "", ROOTS, ("headline",)) == []
    assert fill(document, SCOPE, "", ("headline",)) == ({"text": "{{headline}} 7", "other": "{{headline}}"}, [])
    assert places(document, "", ("headline",)) == {"/text"}
    hostile = {"trigger": {"n": "{{headline}}"}}
    assert fill(document, hostile, "", ("headline",))[1]


def test_what_is_filled_in_cannot_grow_without_end() -> None:
    scope = {"trigger": {"x": "x" * 1000}}
    _, found = fill(["{{trigger.x}}" * 50] * 10, scope, "")
    assert found
    assert "more than" in found[0].message
    assert MAX_FILLED_CHARS < 50 * 10 * 1000


TEXTS = st.text(max_size=30) | st.sampled_from(
    ['"}], "x": [{"', "{{trigger.secret}}", "{{", "}}", "\\", "{{trigger.value}}", "\u2028", "</script>"]
)


@given(TEXTS)
def test_a_value_is_data_whatever_is_in_it_and_is_not_looked_at_again(value: str) -> None:
    scope = {"trigger": {"value": value, "secret": "SECRET-7"}}
    document = {"whole": "{{trigger.value}}", "in": ["<{{trigger.value}}>"], "kept": 1}
    made = filled(document, scope)
    assert made == {"whole": value, "in": [f"<{value}>"], "kept": 1}
    assert msgspec.json.decode(msgspec.json.encode(made)) == made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON)
def test_whatever_is_written_and_whatever_comes_nothing_breaks_and_no_shape_changes(document: Any, given_: Any) -> None:
    if problems(document, "", ROOTS):
        return
    made, found = fill(document, {"trigger": given_ if isinstance(given_, dict) else {}}, "")
    if not found:
        assert _shape(made) == _shape(document)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(child) for name, child in value.items()}
    return [_shape(child) for child in value] if isinstance(value, list) else None
