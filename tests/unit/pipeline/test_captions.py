"""Caption files of any known kind become cues, and cues become lines short enough to read."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import captions, compositions
from renderowl.pipeline.captions import CaptionsUnreadable, Cue, SpokenWord, read_captions, split
from renderowl.pipeline.subtitles import vtt
from renderowl.pipeline.timeline import CaptionContent, Media

SRT = (
    "\ufeff1\r\n00:00:01,500 --> 00:00:03,000\r\nHello <i>there</i> &amp; you\r\nsecond line\r\n\r\n"
    "2\r\n00:01:00,0 --> 00:01:02,250 X1:40\r\n{\\an8}Bye\r\n"
)
VTT = """WEBVTT - a title

NOTE not shown

STYLE
::cue { color: red }

intro
00:01.000 --> 00:04.000 align:start
<v Ada>Hello <00:02.000><c>big</c> <00:03.000>world

00:00:05.000 --> 00:00:04.000
never
"""


def test_srt_is_read() -> None:
    assert read_captions(SRT) == [
        Cue("Hello there & you\nsecond line", 1.5, 3.0),
        Cue("Bye", 60.0, 62.25),
    ]


def test_webvtt_is_read_with_the_times_of_its_words() -> None:
    assert read_captions(VTT) == [
        Cue(
            "Hello big world",
            1.0,
            4.0,
            (SpokenWord("Hello", 1.0, 2.0), SpokenWord("big", 2.0, 3.0), SpokenWord("world", 3.0, 4.0)),
        )
    ]


def test_json_of_captions_is_read() -> None:
    text = '[{"text": "a b", "start": 0, "end": 1.5, "words": [{"word": "a", "start": 0, "end": 1}]}]'
    assert read_captions(text) == [Cue("a b", 0.0, 1.5, (SpokenWord("a", 0.0, 1.0),))]


def test_json_of_single_words_becomes_sentences() -> None:
    times = {"Hi.": (0, 400), "How": (450, 600), "now": (600, 900), "late": (2000, 2500)}
    text = json.dumps({"words": [{"word": w, "startMs": a, "endMs": b} for w, (a, b) in times.items()]})
    assert [(cue.text, cue.start_s, cue.end_s) for cue in read_captions(text)] == [
        ("Hi.", 0.0, 0.4), ("How now", 0.45, 0.9), ("late", 2.0, 2.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("just prose", "no captions"),
        ("[1]", "^/0 must be an object"),
        ('{"segments": [1]}', "^/segments/0 must be an object"),
        ('[{"text": "a"}]', "/0/start must be a number"),
        ('[{"text": "a", "start": 2, "end": 1}]', "/0/end must not be before"),
        ('[{"text": 3, "start": 2, "end": 1}]', "/0/text must be a text"),
        ("[", "not JSON"),
        ('{"a": 1}', "must hold a list"),
    ],
)
def test_what_is_no_captions_says_why(text: str, words: str) -> None:
    with pytest.raises(CaptionsUnreadable, match=words):
        read_captions(text)


@given(text=st.text(max_size=200) | st.text(alphabet='0123456789:,.-> \n[]{}"<>', max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CaptionsUnreadable):
        assert read_captions(text)


def test_long_cues_are_split_evenly_and_show_all_words() -> None:
    lines = split([Cue("one two three four five six seven", 0.0, 7.0)], 4, timed=False)
    assert [line.text for line in lines] == ["one two three four", "five six seven"]
    assert lines[0].end_s == lines[1].start_s
    assert (lines[0].start_s, lines[-1].end_s) == (0.0, 7.0)


def test_words_get_times_when_they_are_wanted() -> None:
    (line,) = split([Cue("a bbb", 1.0, 4.0)], 6, timed=True)
    assert line.words == (SpokenWord("a", 1.0, 2.0), SpokenWord("bbb", 2.0, 4.0))


def test_a_line_ends_when_the_next_begins() -> None:
    lines = split([Cue("a", 0.0, 5.0), Cue("b", 2.0, 4.0)], 6, timed=False)
    assert [(line.start_s, line.end_s) for line in lines] == [(0.0, 2.0), (2.0, 4.0)]


def test_the_breaks_of_a_short_cue_are_kept() -> None:
    assert [line.text for line in split([Cue("a\nb", 0.0, 5.0)], 6, timed=True)] == ["a\nb"]


@given(count=st.integers(1, 40), max_words=st.integers(1, 9), length=st.floats(0.1, 60), timed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_splitting_loses_no_word_and_stays_within_the_cue(
    count: int, max_words: int, length: float, timed: bool
) -> None:
    cue = Cue(" ".join(f"w{index}" for index in range(count)), 1.0, 1.0 + length)
    lines = split([cue], max_words, timed=timed)
    assert " ".join(line.text for line in lines) == cue.text
    assert all(len(line.text.split()) <= max_words for line in lines)
    assert lines[0].start_s == cue.start_s
    assert lines[-1].end_s == cue.end_s
    assert all(line.start_s < line.end_s for line in lines)


AWKWARD = (
    '"quoted"', "it's", "50%", "{brace}", "a:b", "\\back\\", "<b>tag</b>", "semi;colon", "%{pts}", "{\\c&HFF&}", "#1",
    "[x]", "&amp;",
)  # fmt: skip


def test_ten_thousand_awkward_words_are_all_there_in_a_film_within_the_limits() -> None:
    texts = [f"{AWKWARD[index % len(AWKWARD)]}{index}" for index in range(10_000)]
    words = [
        {"text": text, "start": round(index * 0.029, 3), "end": round((index + 1) * 0.029, 3)}
        for index, text in enumerate(texts)
    ]
    captions = [
        {"text": " ".join(texts[at : at + 5]), "start": part[0]["start"], "end": part[-1]["end"], "words": part}
        for at in range(0, len(words), 5)
        if (part := words[at : at + 5])
    ]
    props = {"src": "asset://v", "captions": captions, "style": {"animation": "karaoke", "max_words": 5}}
    assert len(json.dumps(props)) < 1024**2, "it fits into a request"
    ask = compositions.parse("captioned_video", props, {"captions": "both"}, Limits())
    media = {"asset://v": Media("asset://v", "video", "hv", 640, 360, 290.0, 25.0, has_video=True)}
    timeline = compositions.compile(ask, media)
    spoken = [clip.content for clip in timeline.clips if isinstance(clip.content, CaptionContent)]
    assert [word.text for content in spoken for word in content.words] == texts
    read = read_captions(vtt(timeline.subtitles))
    assert [word for cue in read for word in cue.text.split()] == texts, "the file beside it says the same"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        '{"captions":' * 20_000,
        '{"text":"a","start":0,"end":1,"words":[' * 2000,
        f"00:00.000 --> 00:09.000\n<00:00.001>{'a ' * 101}\n",
        f"00:00.000 --> 00:09.000\n<00:00.001>{'a ' * 60}\n\n" * 2,
    ],
)
def test_what_is_beyond_all_measure_is_unreadable_and_breaks_nothing(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captions, "MAX_WORDS", 100)
    with pytest.raises(CaptionsUnreadable):
        read_captions(text)


def test_a_reference_to_no_character_is_no_number_to_read() -> None:
    far = f"00:00.000 --> 00:01.000\na&#{'9' * 5000};b&#x{'f' * 5000};&#233;&#x1F989;\n"
    assert read_captions(far) == [Cue("a\ufffdb\ufffdé🦉", 0.0, 1.0)]
