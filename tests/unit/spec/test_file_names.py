"""No two files of a render have one name, on any system."""

import pytest

from renderowl.domain.spec.file_names import name_problems, overlap


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.mp4", "a.mp4", True),
        ("a.mp4", "A.MP4", True),
        ("a.mp4", "a.webm", False),
        ("a.thumbnail*", "a.thumbnail-0001.jpg", True),
        ("a.thumbnail*", "a.THUMBNAILS.vtt", True),
        ("a.thumbnail*", "a.thumb.jpg", False),
        ("a.thumbnail*", "a.thumbnail*", True),
        ("a.thumbnail*", "b.thumbnail*", False),
    ],
)
def test_names_that_could_be_one_file_overlap(one: str, other: str, same: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is same


def test_a_name_is_no_longer_than_file_systems_take_with_what_is_added_to_it() -> None:
    assert not [*name_problems("é" * 108 + ".mp4", "mp4")]
    assert [*name_problems("é" * 109 + ".mp4", "mp4")] == ["must have at most 220 bytes in UTF-8"]
