"""Speech: the port to whatever speaks texts, and from spoken texts to media.

An engine is no part of RenderOwl's own installation. What it says decides about the length of a film, so it speaks when a
request is checked; to a render it is a sound like any other.
"""

import asyncio
import hashlib
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec

from renderowl.domain.errors import FieldError, TtsUnavailable, ValidationFailed
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline.ask import Said
from renderowl.pipeline.timeline import Media

HOW_TO_GET: Final = "pip install espeakng-loader on the machine of the API, or apt-get install libespeak-ng1"

Field = Literal["text", "language", "voice"]
Wanted = Mapping[Speech, Sequence[Said]]
"""Texts to be spoken, each with the places of a spec that want it."""


class SpeechEngine(Protocol):
    """Something that speaks, the same way each time."""

    @property
    def version(self) -> str:
        """Its name and version: with another one the same text sounds otherwise."""
        ...

    @property
    def languages(self) -> list[str]:
        """The tags of the languages it speaks."""
        ...

    def problem(self, speech: Speech) -> tuple[Field, str] | None:
        """Say which field of a speech it cannot do and why."""
        ...

    async def say(self, speeches: Sequence[Speech], folder: Path) -> list[Path]:
        """Speak into one WAV file each, in a new `folder`; raises TtsUnavailable when the engine breaks."""
        ...


class Spoken(msgspec.Struct, frozen=True):
    """A text that has been spoken: the file, and what the pipeline must know of it."""

    path: Path
    media: Media


async def speak(engine: SpeechEngine | None, wanted: Wanted, folder: Path) -> dict[Speech, Spoken]:
    """Speak every text into `folder`.

    Raises TtsUnavailable naming every text when there is no engine, ValidationFailed for what it cannot speak.
    """
    if not wanted:
        return {}
    if engine is None:
        why = f"there is no speech engine; {HOW_TO_GET}"
        raise TtsUnavailable(errors=[FieldError(said.text_at, why) for places in wanted.values() for said in places])
    problems = [
        FieldError(said.text_at if found[0] == "text" else f"{said.voice_at}/{found[0]}", found[1])
        for speech, places in wanted.items()
        if (found := engine.problem(speech))
        for said in places
    ]
    if problems:
        raise ValidationFailed(errors=list(dict.fromkeys(problems)))
    paths = await engine.say(list(wanted), folder)
    spoken = {
        speech: Spoken(path, await asyncio.to_thread(_media, speech, path))
        for speech, path in zip(wanted, paths, strict=True)
    }
    silent = [said for speech, each in spoken.items() if not each.media.duration_s for said in wanted[speech]]
    if silent:
        raise ValidationFailed(errors=[FieldError(said.text_at, "holds nothing that can be spoken") for said in silent])
    return spoken


def _media(speech: Speech, path: Path) -> Media:
    with wave.open(str(path), "rb") as sound:
        duration_s = round(sound.getnframes() / sound.getframerate(), 6)
        channels = sound.getnchannels()
    with path.open("rb") as file:
        content_hash = hashlib.file_digest(file, "sha256").hexdigest()
    return Media(speech.src, "audio", content_hash, duration_s=duration_s, has_audio=True, channels=channels)
