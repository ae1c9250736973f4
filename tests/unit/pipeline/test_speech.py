"""Texts that are spoken: what an engine is asked, what is refused before it is, and how its voices are found."""

import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from renderowl.domain.errors import TtsUnavailable, ValidationFailed
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline.ask import Said
from renderowl.pipeline.espeak import Espeak, _by_language, _speakable
from renderowl.pipeline.speech import Field, Wanted, speak

ENGINE = Espeak("library", "data", "espeak-ng-1", {"en": "gmw/en", "pt": "roa/pt", "pt-br": "roa/pt-BR"}, {"f1": "f1"})


class FakeEngine:
    """Says a tenth of a second for each letter."""

    version = "fake-1"
    languages: tuple[str, ...] = ("en",)

    def problem(self, speech: Speech) -> tuple[Field, str] | None:
        return None if speech.language == "en" else ("language", "unknown")

    async def say(self, speeches: Sequence[Speech], folder: Path) -> list[Path]:
        folder.mkdir()
        for index, speech in enumerate(speeches):
            with wave.open(str(folder / f"{index}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(b"\1\0" * 800 * len(speech.text.strip(".")))
        return [folder / f"{index}.wav" for index in range(len(speeches))]


def wanted(*speeches: Speech) -> Wanted:
    return {one: [Said(one, f"/{index}/text", f"/{index}")] for index, one in enumerate(speeches)}


async def test_each_text_is_media_as_long_as_it_takes(tmp_path: Path) -> None:
    one, two = Speech("ab"), Speech("abcde")
    spoken = await speak(FakeEngine(), wanted(one, two), tmp_path / "said")
    assert [(each.media.src, each.media.duration_s, each.media.channels) for each in spoken.values()] == [
        (one.src, 0.2, 1),
        (two.src, 0.5, 1),
    ]
    assert spoken[one].media.content_hash != spoken[two].media.content_hash


async def test_without_an_engine_every_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(TtsUnavailable) as caught:
        await speak(None, wanted(Speech("a"), Speech("b")), tmp_path)
    assert [error.path for error in caught.value.errors] == ["/0/text", "/1/text"]
    assert caught.value.code == "tts_unavailable"
    assert await speak(None, {}, tmp_path) == {}


async def test_what_cannot_be_spoken_is_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed) as caught:
        await speak(FakeEngine(), wanted(Speech("a", "xx"), Speech("b"), Speech("c", "yy")), tmp_path / "said")
    assert [error.path for error in caught.value.errors] == ["/0/language", "/2/language"]
    with pytest.raises(ValidationFailed) as caught:
        await speak(FakeEngine(), wanted(Speech("..."), Speech("b")), tmp_path / "silent")
    assert [error.path for error in caught.value.errors] == ["/0/text"]


def test_a_kind_of_a_language_is_spoken_as_the_language() -> None:
    assert ENGINE.problem(Speech("a", "pt-AO")) is None
    assert ENGINE.problem(Speech("a", "EN_us", "F1")) is None
    assert ENGINE._name(Speech("a", "pt-BR", "F1")) == "roa/pt-BR+f1"
    assert ENGINE.problem(Speech("a", "pr")) == ("language", "no voice speaks this language")
    assert ENGINE.problem(Speech("a", "en", "f2")) == ("voice", "there is no such voice")
    assert ENGINE.problem(Speech(" \1 ")) == ("text", "holds nothing that can be spoken")


def test_of_several_voices_a_language_has_the_one_that_puts_it_first() -> None:
    voices = [
        ("gmw/en-029", [(5, "en-029"), (10, "en")]),
        ("gmw/en", [(2, "en-gb"), (2, "en")]),
        ("mb/mb-en1", [(1, "en")]),
    ]
    assert _by_language(voices) == {"en": "gmw/en", "en-029": "gmw/en-029", "en-gb": "gmw/en"}


def test_control_characters_are_no_commands_to_the_engine() -> None:
    assert _speakable("a\x01Ib\nc\0d\u2028e ") == "a Ib c d e"


def test_what_a_speech_is_called_depends_on_all_of_it() -> None:
    said = (Speech("a"), Speech("b"), Speech("a", "de"), Speech("a", voice="f1"))
    assert len({one.src for one in said}) == 4
