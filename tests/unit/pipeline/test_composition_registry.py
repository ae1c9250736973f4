"""Compositions by their names: found, read, described, and bounded."""

import json

import msgspec
import pytest

from renderowl.domain.errors import UnknownComposition, ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.timeline import Timeline
from renderowl.testing.compiling import S, T, V, image, refused, timeline, video


def test_a_composition_is_found_by_id_and_alias_and_the_nearest_is_named() -> None:
    assert compositions.canonical_id("CaptionedVideo") == "captioned_video"
    with pytest.raises(UnknownComposition, match='did you mean "timeline"'):
        compositions.canonical_id("timelime")


def test_problems_of_both_documents_come_together() -> None:
    with pytest.raises(ValidationFailed) as caught:
        compositions.parse("timeline", {"trakcs": []}, {"fsp": 3}, Limits())
    assert {e.path for e in caught.value.errors} == {
        "/input_props/trakcs",
        "/input_props/tracks",
        "/output_settings/fsp",
    }


@pytest.mark.parametrize("document", [None, 3, "x", [], True])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(ValidationFailed):
        compositions.parse("timeline", document, {}, Limits())


def test_parsing_what_parse_gave_back_changes_nothing() -> None:
    props = {"tracks": [{"clips": [image(fadeIn=1, text=None) | {"length": "{{n}}"}]}], "variables": {"n": 2}}
    props["tracks"][0]["clips"][0].pop("text")  # type: ignore[index]  # a list of plain JSON
    first = compositions.parse("timeline", props, {"aspectRatio": "1:1"}, Limits())
    again = compositions.parse("timeline", json.loads(json.dumps(first.input_props)), first.output_settings, Limits())
    assert again == first


@pytest.mark.parametrize(
    "src",
    [
        "clip://1",
        "http://x/y",
        "/etc/passwd",
        "file:///etc/passwd",
        "asset://",
        "asset://a/b",
        "https://u@h/",
        "ftp://x",
    ],
)
def test_only_assets_and_https_are_sources(src: str) -> None:
    assert "0/src" in refused(video(src))


def test_local_files_are_for_the_command_line() -> None:
    limits = Limits(local_files=True)
    for src in ("film.mp4", "/data/film.mp4", "file:///data/film.mp4", "https://x/film.mp4", V):
        compositions.parse("timeline", {"tracks": [{"clips": [video(src)]}]}, {}, limits)
    with pytest.raises(ValidationFailed):
        compositions.parse("timeline", {"tracks": [{"clips": [video("http://x/y.mp4")]}]}, {}, limits)


def test_sources_tell_where_each_is_used() -> None:
    ask = compositions.parse(
        "timeline", {"tracks": [{"clips": [video(), video(), {"type": "caption", "src": T}]}]}, {}, Limits()
    )
    clip = "/input_props/tracks/0/clips"
    assert compositions.sources(ask) == {V: [f"{clip}/0/src", f"{clip}/1/src"], T: [f"{clip}/2/src"]}
    assert compositions.text_sources(ask) == {T}


@pytest.mark.parametrize("composition_id", compositions.COMPOSITIONS)
def test_every_composition_has_a_schema_and_examples_that_parse(composition_id: str) -> None:
    schema = compositions.schema(composition_id)
    assert set(schema["properties"]) == {"input_props", "output_settings"}
    json.dumps(schema)
    examples = compositions.COMPOSITIONS[composition_id].examples
    assert examples
    for example in examples:
        compositions.parse(composition_id, example, {}, Limits())


def test_a_looping_flood_is_bounded() -> None:
    flood = [video(S, trim={"end": 1}, loop=True, start=0, duration=300)] * 100
    with pytest.raises(ValidationFailed, match="makes more than"):
        timeline(*flood)


def test_more_clips_at_one_moment_than_an_encoder_can_hold_are_refused_with_the_moment() -> None:
    def colors(count: int, **where: float) -> list[dict[str, object]]:
        return [{"type": "color", "color": "#ff0000", "duration": 2, **where}] * count

    texts = [{"type": "text", "text": "x", "start": 0, "duration": 4}] * 100  # drawn straight onto the picture
    timeline(*colors(50, start=0), *colors(50, start=1), *colors(50, start=2), *texts)  # never more than 100
    too_many = refused(*colors(50, start=0), *colors(51, start=1), *colors(50, start=3))
    assert too_many == {"/input_props": "shows 101 layers at 1 s; the limit is 100 at once"}


def test_a_timeline_is_plain_data() -> None:
    found = timeline(video(), image(), {"type": "text", "text": "x"})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Timeline) == found
