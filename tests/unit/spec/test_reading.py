"""The reader finds every problem of a document at once and never raises."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.reading import MAX_ERRORS, read
from renderowl.domain.spec.timeline import TextClip, TimelineSpec, VideoClip

AT = "/input_props"


def clips(*items: Any, **spec: Any) -> dict[str, Any]:
    return {"tracks": [{"clips": list(items)}], **spec}


def problems(document: object) -> dict[str, str]:
    return {error.path: error.message for error in read(document, TimelineSpec, at=AT).errors}


def text(**fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": "hello", **fields}


def test_every_problem_is_reported_with_its_pointer() -> None:
    document = clips(
        {"type": "video", "src": 3, "opacity": 2, "speed": "fast"},
        {"type": "image"},
        {"type": "txt"},
        text(fad_in=1),
        fps=0,
    )
    clip = f"{AT}/tracks/0/clips"
    assert set(problems(document)) == {
        f"{clip}/0/src", f"{clip}/0/opacity", f"{clip}/0/speed", f"{clip}/1/src", f"{clip}/2/type", f"{clip}/3/fad_in",
        f"{AT}/fps",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"opacitee": 1}, "opacitee", 'did you mean "opacity"?'),
        ({"fadeIm": 1}, "fadeIm", 'did you mean "fade_in"?'),
        ({"fade_in": 1, "fadeIn": 2}, "fadeIn", '"fade_in" by another name'),
        ({"duration": 1, "length": 2}, "length", '"duration" by another name'),
        ({"keyframes": [{"property": "y", "time": 1, "value": 2, "easing": "ease"}]}, "keyframes/0/easing", "must be one of"),
        ({"keyframes": [{"property": "opacity", "time": 1, "value": 2}]}, "keyframes/0/value", "must be 0 to 1 for opacity"),
        ({"keyframes": [{"property": "x", "time": t, "value": 1} for t in (1, 1)]}, "keyframes/1/time", "must be later"),
        ({"filters": ["blur"]}, "filters/0", "must be an object"),
        ({"filters": [{"type": "blurr"}]}, "filters/0/type", 'did you mean "blur"?'),
        ({"filters": [{"type": "sepia", "amount": 2}]}, "filters/0/amount", "must be at most 1"),
        ({"transition": {"in": {"type": "swipe"}}}, "transition/in/type", 'did you mean "wipe"?'),
        ({"transition": {"in": {"direction": "up"}}}, "transition/in/direction", "belongs to wipe, slide, push, not to fade"),
        ({"transition": {"out": {"type": "zoom", "duration": 21}}}, "transition/out/duration", "must be at most 20 for zoom"),
        ({"start": "soon"}, "start", 'must be "auto" or a number'),
        ({"start": True}, "start", 'must be "auto" or a number'),
        ({"duration": 0}, "duration", "must be more than 0"),
        ({"position": "middle"}, "position", "must be one of"),
        ({"style": {"color": "red"}}, "style/color", "must be a colour such as #1a2b3c"),
        ({"style": {"color": "#fff\n"}}, "style/color", "must be a colour such as #1a2b3c"),
        ({"text": "a\0b"}, "text", "must not contain NUL"),
        ({"text": "\ud800"}, "text", "must not contain NUL"),
        ({"text": ""}, "text", "must not be empty"),
        ({"width": 2.5}, "width", "must be a whole number"),
        ({"scale": float("nan")}, "scale", "must be a finite number"),
        ({"scale": 10**400}, "scale", "must be at most 20"),
        ({"style": []}, "style", "must be an object"),
        ({"fade_in": 1, "transition": {"in": {"duration": 2}}}, "transition/in", "contradicts fade_in"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_is(fields: dict[str, Any], path: str, words: str) -> None:
    found = problems(clips(text(**fields)))
    assert list(found) == [f"{AT}/tracks/0/clips/0/{path}"]
    assert words in found[f"{AT}/tracks/0/clips/0/{path}"]


def test_null_means_not_given() -> None:
    assert problems(clips(text(opacity=None, start=None, style=None), duration=None)) == {}


def test_camel_case_and_aliases_become_canonical() -> None:
    document = clips(text(fadeIn=1, length=2, style={"fontSize": 20}))
    document["tracks"][0]["parentDurationDecider"] = True
    reading = read(document, TimelineSpec, at=AT)
    assert reading.given["tracks"] == [
        {
            "clips": [{"type": "text", "text": "hello", "fade_in": 1, "duration": 2, "style": {"font_size": 20}}],
            "parent_duration_decider": True,
        }
    ]
    assert read(reading.given, TimelineSpec, at=AT) == reading


def test_the_same_thing_said_twice_is_accepted() -> None:
    assert problems(clips(text(fade_in=1, fadeIn=1))) == {}


def test_variables_fill_texts_and_keep_their_type_when_alone() -> None:
    document = clips(text(text="{{ name }}: {{n}}", duration="{{n}}"), variables={"name": "Ada", "n": 3})
    reading = read(document, TimelineSpec, at=AT)
    assert reading.value is not None
    clip = reading.value.tracks[0].clips[0]
    assert isinstance(clip, TextClip)
    assert (clip.text, clip.duration) == ("Ada: 3", 3.0)
    assert reading.given["tracks"][0]["clips"][0]["text"] == "{{ name }}: {{n}}"


def test_a_variable_of_the_wrong_type_or_name_is_named() -> None:
    found = problems(clips(text(duration="{{name}}", text="{{nam}}"), variables={"name": "Ada"}))
    assert found == {
        f"{AT}/tracks/0/clips/0/duration": 'must be one of "auto", "end" or a number',
        f"{AT}/tracks/0/clips/0/text": 'no variable is named "nam"; did you mean "name"?',
    }


def test_variables_cannot_blow_a_document_up() -> None:
    bomb = clips(*(text(text="{{x}}" * 1000 + "!") for _ in range(20)), variables={"x": "y" * 9000})
    assert any("more than" in message for message in problems(bomb).values())


def test_errors_are_bounded() -> None:
    assert len(read(clips(*[{}] * 5000), TimelineSpec, at=AT).errors) == MAX_ERRORS


def test_pointers_are_escaped_and_printable() -> None:
    (error,) = read({**clips(), "a/b~\n": 1}, TimelineSpec, at="").errors
    assert error.path == "/a~1b~0\\n"


def test_a_clip_reads_into_its_struct() -> None:
    reading = read(
        clips({"type": "video", "src": "asset://a", "trim": 2, "transition": {"in": {}}}), TimelineSpec, at=AT
    )
    assert reading.value is not None
    clip = reading.value.tracks[0].clips[0]
    assert isinstance(clip, VideoClip)
    assert (clip.trim, clip.fades_s) == (2.0, (0.5, 0.0))


keys = st.sampled_from(
    ["tracks", "clips", "type", "src", "text", "start", "duration", "trim", "variables", "style", "transition", "in", "position",
     "words", "width", "fps", "keyframes", "format", "output_name", "range", "preview", "aspect_ratio", "codec", "crf"]
) | st.text(max_size=6)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["video", "text", "auto", "end", "{{a}}", "mp4", "16:9", "#fff"])
)  # fmt: skip
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=25
)


@given(document=documents)
@settings(max_examples=60, deadline=None)
def test_any_document_is_read_or_refused(document: object) -> None:
    for cls in (TimelineSpec, OutputSettings):
        reading = read(document, cls, at="")
        assert (reading.value is None) == bool(reading.errors)


@given(
    document=st.fixed_dictionaries(
        {
            "tracks": st.lists(
                st.fixed_dictionaries({"clips": st.lists(st.dictionaries(keys, documents, max_size=5), max_size=3)}),
                max_size=3,
            )
        }
    )
)
@settings(max_examples=60, deadline=None)
def test_any_timeline_is_read_or_refused(document: object) -> None:
    reading = read(document, TimelineSpec, at="")
    assert (reading.value is None) == bool(reading.errors)
