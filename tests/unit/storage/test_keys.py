"""Keys that callers choose: names of things, whatever somebody makes of them."""

import pytest

from renderowl.storage.keys import check_given_key


@pytest.mark.parametrize(
    "key", ["a", "working_videos/test.mp4", "Ünï cödé/⚽.mp4", "a..b/c...d", "100%.mp4", "日本/動画.mp4"]
)
def test_a_plain_name_is_taken_as_it_is(key: str) -> None:
    assert check_given_key(key) == key


def test_two_spellings_of_a_letter_are_one_key() -> None:
    assert check_given_key("e\u0301.mp4") == check_given_key("\xe9.mp4") == "\xe9.mp4"


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "/etc/passwd",
        "a//b",
        "a/",
        "..\\a",
        "a\x00b",
        "a\nb",
        "\x7f",
        "%2e%2e/a",
        "%2e%2e%2fa",
        "..%2fa",
        "%252e%252e%252fa",
        "a%00b",
        "%2fetc",
        "a%5c..%5cb",
        "\uff0e\uff0e/a",
        "\u2025/a",
        "..\uff0fa",
        "%EF%BC%8E%EF%BC%8E/a",
        "\ud800",
        "x" * 1025,
        "x" * 256,
        "%2525252525252e",
    ],
)
def test_what_leads_anywhere_else_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        check_given_key(key)
