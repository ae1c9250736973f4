"""eSpeak NG as the speech engine: found in the `espeakng-loader` wheel or among the system's libraries.

It runs in a process of its own with limits: the library is not ours, speaks texts of strangers, and is known to crash.
"""

import asyncio
import ctypes.util
import json
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl.domain.errors import MediaUnreadable, TtsUnavailable
from renderowl.domain.spec.reading import nearest
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import espeak_say
from renderowl.pipeline.bounded import read_apart
from renderowl.pipeline.speech import Field, SpeechEngine

_MEMORY_BYTES: Final = 1024**3
_TIMEOUT_S: Final = 60.0
_OWN_SPEAKERS: Final = "mb/"
"""Voices of MBROLA, a program of its own that would have to be there too."""
_found: dict[str, "Espeak | None"] = {}


class Espeak(msgspec.Struct, frozen=True):
    """One eSpeak NG: a voice for each language, and variants of a speaker that any of them can take."""

    library: str
    data: str
    version: str
    voices: dict[str, str]
    """Identifier by language tag in lower case."""
    variants: dict[str, str]
    """Name by name in lower case."""

    @property
    def languages(self) -> list[str]:
        """The tags of the languages it speaks."""
        return list(self.voices)

    def problem(self, speech: Speech) -> tuple[Field, str] | None:
        """Say which field of a speech it cannot do and why."""
        if self._voice(speech.language) is None:
            return "language", "no voice speaks this language"
        if speech.voice is not None and speech.voice.lower() not in self.variants:
            return "voice", f"there is no such voice{nearest(speech.voice, list(self.variants))}"
        return None if _speakable(speech.text) else ("text", "holds nothing that can be spoken")

    async def say(self, speeches: Sequence[Speech], folder: Path) -> list[Path]:
        """Speak into one WAV file each, in a new `folder`; raises TtsUnavailable when the engine breaks."""
        request = await asyncio.to_thread(self._write, speeches, folder)
        try:
            await _run(self.library, self.data, str(request), str(folder), subject=request, writable=folder)
        except MediaUnreadable as error:
            raise TtsUnavailable(f"{self.version} broke on these texts: {error.detail}") from error
        return [folder / f"{index}.wav" for index in range(len(speeches))]

    def _write(self, speeches: Sequence[Speech], folder: Path) -> Path:
        folder.mkdir(parents=True)
        request = folder / "request.json"
        request.write_text(json.dumps([{"voice": self._name(one), "text": _speakable(one.text)} for one in speeches]))
        return request

    def _voice(self, language: str) -> str | None:
        """Return the voice of a language, or of the wider one it is a kind of: `pt-AO` is spoken as `pt`."""
        tag = language.lower().replace("_", "-")
        while tag and tag not in self.voices:
            tag = tag.rpartition("-")[0]
        return self.voices.get(tag)

    def _name(self, speech: Speech) -> str:
        voice = self._voice(speech.language)
        return f"{voice}+{self.variants[speech.voice.lower()]}" if speech.voice else f"{voice}"


async def discover() -> SpeechEngine | None:
    """Return the first eSpeak NG that works, or None; asked once for each process."""
    if "engine" not in _found:
        found = None
        for library, data in _libraries():
            found = found or await _examined(library, data)
        _found["engine"] = found
    return _found["engine"]


def _libraries() -> Iterator[tuple[str, str]]:
    try:
        import espeakng_loader

        yield espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
    except (ImportError, RuntimeError):
        pass
    if system := ctypes.util.find_library("espeak-ng"):
        yield system, ""


async def _examined(library: str, data: str) -> Espeak | None:
    try:
        described = json.loads(await _run(library, data, subject=Path(library)))
    except (MediaUnreadable, ValueError):
        return None
    return Espeak(
        library=library,
        data=data,
        version=f"espeak-ng-{described['version']}",
        voices=_by_language(described["voices"]),
        variants={name.lower(): name for name in (one.rpartition("/")[2] for one in described["variants"])},
    )


def _by_language(voices: Sequence[tuple[str, Sequence[tuple[int, str]]]]) -> dict[str, str]:
    """Return the voice of each language: of several the one that puts it first."""
    ranked: dict[str, tuple[int, str]] = {}
    for identifier, languages in voices:
        for priority, tag in languages if not identifier.startswith(_OWN_SPEAKERS) else ():
            ranked[tag] = min(ranked.get(tag, (priority, identifier)), (priority, identifier))
    return {tag: identifier for tag, (_, identifier) in sorted(ranked.items())}


def _speakable(text: str) -> str:
    """Return a text without control characters: some of them are commands to the library."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text).strip()


async def _run(*arguments: Any, subject: Path, writable: Path | None = None) -> bytes:
    argv = (sys.executable, "-IS", espeak_say.__file__, *arguments)
    return await read_apart(argv, subject, timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES, writable=writable)
