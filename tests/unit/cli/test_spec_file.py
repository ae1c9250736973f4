"""A spec on disk that is no spec: every mistake is said where it stands."""

from pathlib import Path

import click
import pytest

from renderowl.cli.spec_file import _read_texts, read_spec
from renderowl.domain.errors import ValidationFailed

GOOD = b'{"composition_id": "timeline", "input_props": {}}'


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    return tmp_path / "spec.json"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: expected ':'"),
        ('{"é": 1,}'.encode(), "line 1, column 9: trailing comma in object"),
        (b"", "Input data was truncated"),
        (b'{"a": "\xff"}', "'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_is_no_json_is_said_where_an_editor_shows_it(spec_file: Path, written: bytes, said: str) -> None:
    spec_file.write_bytes(written)
    with pytest.raises(click.UsageError) as refused:
        read_spec(spec_file)
    assert refused.value.message.startswith(f"{spec_file} is not JSON: {said}")


def test_everything_that_is_wrong_with_the_outermost_fields_is_said_at_once(spec_file: Path) -> None:
    spec_file.write_text('{"composition": "timeline", "input_props": []}')
    with pytest.raises(ValidationFailed) as refused:
        read_spec(spec_file)
    said = {error.path: error.message for error in refused.value.errors}
    assert said.keys() == {"/composition", "/composition_id", "/input_props"}
    assert 'did you mean "composition_id"?' in said["/composition"]


def test_the_mark_that_some_editors_begin_a_file_with_is_no_mistake(spec_file: Path) -> None:
    spec_file.write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert read_spec(spec_file).composition_id == "timeline"


def test_captions_that_cannot_be_read_are_named_by_their_fields(tmp_path: Path) -> None:
    (tmp_path / "latin.srt").write_bytes("Käuzchen".encode("latin-1"))
    files = {name: tmp_path / name for name in ("gone.srt", "latin.srt")}
    with pytest.raises(ValidationFailed) as refused:
        _read_texts(files, {"gone.srt": ["/a"], "latin.srt": ["/b", "/c"]})
    assert [(error.path, error.message) for error in refused.value.errors] == [
        ("/a", "gone.srt: No such file or directory"),
        ("/b", "latin.srt: not text in UTF-8"),
        ("/c", "latin.srt: not text in UTF-8"),
    ]
