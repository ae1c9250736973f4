"""No two files of a render have one name, on any system."""

import pytest

from renderowl.domain.spec.file_names import overlap


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
