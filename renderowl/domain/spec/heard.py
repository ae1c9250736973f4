"""What every clip of a timeline has in time, and the clips that are only heard."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from renderowl.domain.spec.fields import Length, Name, Problem, Source, Spec, Speed, Text, Time, Volume, aliases
from renderowl.domain.spec.motion import VolumeKeyframe, VolumeKeyframes, order_problems
from renderowl.domain.spec.speech import Language, Speech, VoiceName


class Trim(Spec, frozen=True, kw_only=True):
    """The part of the source to use, in its own seconds; without `end` it goes on to the source's end."""

    start: Time = 0.0
    end: Length | None = None

    def problems(self) -> Iterator[Problem]:
        if self.end is not None and self.end <= self.start:
            yield "/end", "must be later than start"


class TimedClip(Spec, frozen=True, kw_only=True):
    """What every clip has: when it starts and how long it lasts, in seconds."""

    id: Name | None = None
    start: Literal["auto"] | Time = "auto"
    duration: Annotated[Literal["auto", "end"] | Length, aliases("length")] = "auto"


class FadingClip(TimedClip, frozen=True, kw_only=True):
    """A clip that can come and go gradually, in seconds of fade."""

    fade_in: Time = 0.0
    fade_out: Time = 0.0

    @property
    def ends_s(self) -> tuple[float, float]:
        """Seconds it takes to come and to go."""
        return self.fade_in, self.fade_out

    @property
    def longest_end(self) -> str:
        """The field that says how it goes or, if none does, how it comes."""
        return "fade_out" if self.fade_out else "fade_in"

    @property
    def sound_fades_s(self) -> tuple[float, float]:
        """Seconds of fade of its sound: transitions other than `fade` are for the eye."""
        return self.fade_in, self.fade_out


def volume_problems(volume: float | tuple[VolumeKeyframe, ...]) -> Iterator[Problem]:
    """Yield what is wrong with the order of a volume's keyframes."""
    if not isinstance(volume, int | float):
        yield from ((f"/volume{path}", message) for path, message in order_problems(volume))


class HeardClip(FadingClip, frozen=True, kw_only=True):
    """What every clip that is only heard has. With a `crossfade` it begins so many seconds before the clip in front of it
    in its track ends, and takes over from its sound in that time.
    """

    speed: Speed = 1.0
    preserve_pitch: bool = True
    volume: Volume | VolumeKeyframes = 1.0
    mute: bool = False
    crossfade: Time = 0.0

    def problems(self) -> Iterator[Problem]:
        yield from volume_problems(self.volume)
        if self.crossfade and self.start != "auto":
            yield "/crossfade", 'belongs to a start of "auto": it says when the clip begins'
        if self.crossfade and self.fade_in:
            yield "/crossfade", "contradicts fade_in"

    @property
    def ends_s(self) -> tuple[float, float]:
        return self.fade_in or self.crossfade, self.fade_out

    @property
    def longest_end(self) -> str:
        return "fade_out" if self.fade_out else "crossfade" if self.crossfade else "fade_in"

    @property
    def sound_fades_s(self) -> tuple[float, float]:
        return self.ends_s


class AudioClip(HeardClip, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    """Sound."""

    src: Source
    trim: Trim | Time | None = None
    loop: bool = False


class TtsClip(HeardClip, frozen=True, kw_only=True, tag_field="type", tag="tts"):
    """A text that is spoken, by the engine's usual voice of its language unless one is named."""

    text: Annotated[Text, Meta(min_length=1)]
    language: Language = "en"
    voice: VoiceName | None = None

    @property
    def speech(self) -> Speech:
        """What is to be spoken."""
        return Speech(self.text, self.language, self.voice)

    @property
    def src(self) -> str:
        """The source that what is spoken becomes."""
        return self.speech.src

    @property
    def trim(self) -> Trim:
        """All of it is heard."""
        return Trim()

    @property
    def loop(self) -> bool:
        """It is said once."""
        return False
