"""ASS: nothing in a user's text is a command, and times fall on their frames."""

import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.pipeline.ass import Line, document, escape, styled_text
from renderowl.pipeline.effects.text import caption_lines
from renderowl.pipeline.fonts import font_runs, missing_glyphs
from renderowl.pipeline.timeline import Box, Canvas, CaptionContent, CaptionStyle, Clip, Rate, TextStyle, Word


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("{\\i1}", "\\{\\\u2060i1\\}"),
        ("a\\Nb", "a\\\u2060Nb"),
        ("two\nlines", "two\\Nlines"),
        ("two\r\nlines", "two\\Nlines"),
        ("bell\x07\x00", "bell"),
        ("\\", "\\\u2060"),
        ("\\{", "\\\u2060\\{"),
        ("line\u2028sep", "linesep"),
    ],
)
def test_escaping_is_exact(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(max_size=60) | st.text("\\{}Nn\n\r \u2060c&H", max_size=60))
def test_no_text_opens_an_override_or_ends_its_line(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert "\r" not in escaped
    assert not re.search(r"(?<!\\)[{}]", escaped)
    commands = escaped.replace("\\\u2060", "").replace("\\{", "").replace("\\}", "").replace("\\N", "")
    assert "\\" not in commands


@settings(deadline=None)  # the first text in Chinese reads a font of 45,000 characters
@given(st.text(max_size=40))
def test_runs_say_the_whole_text(text: str) -> None:
    assert "".join(run for _, run in font_runs(text)) == text


def test_each_script_is_set_in_a_font_that_has_it() -> None:
    families = {run.strip(): font.family for font, run in font_runs("Hi مرحبا שלום नमस्ते 你好")}
    assert families == {
        "Hi": "Noto Sans",
        "مرحبا": "Noto Sans Arabic",
        "שלום": "Heebo",
        "नमस्ते": "Noto Sans",  # it has all of Devanagari but the Vedic signs
        "你好": "Noto Sans CJK SC",
    }


@pytest.mark.parametrize(("text", "family"), [("漢字かな", "Noto Sans CJK JP"), ("漢字한글", "Noto Sans CJK KR")])
def test_han_characters_follow_the_language_beside_them(text: str, family: str) -> None:
    assert {font.family for font, _ in font_runs(text)} == {family}


def test_glyphs_that_no_font_has_are_found() -> None:
    assert missing_glyphs("fine, Grüße, 你好, שלום\n\t\u200d\ufe0f") == set()
    assert missing_glyphs("owl \U0001f989, \u2764\ufe0f") == set()
    assert missing_glyphs("fine \U00012000") == {"\U00012000"}


def test_sizes_mean_the_em_whatever_the_font() -> None:
    assert "\\fs151.90}" in styled_text("a", TextStyle(font_size=100))
    assert "\\fs146.88}" in styled_text("ש", TextStyle(font_size=100))


@pytest.mark.parametrize("rate", [Rate(24000, 1001), Rate(25), Rate(30), Rate(60)])
def test_a_line_begins_after_the_frame_before_its_first(rate: Rate) -> None:
    canvas = Canvas(64, 64, rate, 1000)
    for frame in range(1, 200):
        text = document(canvas, [Line(frame, frame + 1, TextStyle(), 1.0, "x")])
        match = re.search(r"Dialogue: 0,0:(\d\d):(\d\d)\.(\d\d),", text)
        assert match is not None
        minutes, seconds, hundredths = map(int, match.groups())
        start_ms = 10 * hundredths + 1000 * (seconds + 60 * minutes)
        shown_ms = [int(1000 * n * rate.den / rate.num) for n in (frame - 1, frame)]
        assert shown_ms[0] < start_ms <= shown_ms[1]


def test_colours_and_opacity_become_inverted_alpha() -> None:
    text = document(Canvas(64, 64, Rate(30), 10), [Line(0, 5, TextStyle(color="#11223380"), 0.5, "x")])
    assert "&HBF332211" in text


@pytest.mark.parametrize("animation", ["highlight", "pop", "karaoke"])
def test_the_word_that_is_spoken_is_as_translucent_as_its_caption(
    animation: Literal["highlight", "pop", "karaoke"],
) -> None:
    look = CaptionStyle(animation=animation, active_color="#00ff00")
    content = CaptionContent("one two", (Word("one", 0, 10), Word("two", 10, 10)), look)
    clip = Clip("c", 0, 20, content, Box(64, 36, 128, 72), opacity=0.5)
    bodies = [line.body for line in caption_lines(clip, content, Canvas(128, 72, Rate(30), 20))]
    assert all("\\1c&H00FF00&\\1a&H80&" in body for body in bodies)
    assert not any("a&H00&" in body for body in bodies)
