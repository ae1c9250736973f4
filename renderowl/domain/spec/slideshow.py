"""The `slideshow` composition: scenes of pictures, each as long as what is said over it."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from renderowl.domain.spec.fields import Fit, FrameRate, Length, Name, Problem, Source, Spec, Text, Time, Volume
from renderowl.domain.spec.output import Preset
from renderowl.domain.spec.speech import Speech, SpeechSettings


class Scene(Spec, frozen=True, kw_only=True):
    """One to three pictures and what is said and written over them; `duration` is for a scene without a voice."""

    id: Name | None = None
    images: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=3)]
    voiceover: Source | None = None
    text: Text | None = None
    duration: Length | None = None


class SlideshowOptions(Spec, frozen=True, kw_only=True):
    """How the scenes are shown. `crf` and `preset` give way to those of `output_settings`."""

    fps: FrameRate = 30.0
    min_shot: Length = 2.5
    max_shot: Length = 8.0
    xfade: Time = 0.5
    fit: Fit = "blur"
    crf: Annotated[int, Meta(ge=0, le=51)] = 18
    preset: Preset = "medium"
    tts: SpeechSettings | None = None
    """Speaks the texts of scenes that have no voice-over."""
    voice_dir: Annotated[str, Meta(max_length=1000)] = "voiceovers"
    music: Source | None = None
    music_volume: Volume = 0.5
    ducking: bool = False

    def problems(self) -> Iterator[Problem]:
        if self.max_shot < self.min_shot:
            yield "/max_shot", "must not be less than min_shot"
        if self.xfade > self.min_shot:
            yield "/xfade", "must not be more than min_shot: a shot cannot come while it goes"


class SlideshowSpec(Spec, frozen=True, kw_only=True):
    """Scenes one after the other. A scene lasts as long as its voice-over, or its `duration`, or `min_shot` a picture."""

    scenes: Annotated[tuple[Scene, ...], Meta(min_length=1, max_length=1000)]
    render_options: SlideshowOptions = msgspec.field(default_factory=SlideshowOptions)

    def problems(self) -> Iterator[Problem]:
        first: dict[str, int] = {}
        for index, scene in enumerate(self.scenes):
            if scene.id is not None and first.setdefault(scene.id, index) != index:
                yield f"/scenes/{index}/id", f'is that of scene {first[scene.id]} too, "{scene.id}"'

    def speech_of(self, scene: Scene) -> Speech | None:
        """Return what is spoken in a scene without a voice-over, if its text is."""
        asked = self.render_options.tts
        if asked is None or scene.voiceover is not None or not (scene.text and scene.text.strip()):
            return None
        return Speech(scene.text, asked.language, asked.voice)

    def voice_of(self, scene: Scene) -> str | None:
        """Return the source of a scene's voice; a bare file name lies in `voice_dir`."""
        if speech := self.speech_of(scene):
            return speech.src
        voice, folder = scene.voiceover, self.render_options.voice_dir
        return f"{folder}/{voice}" if voice and folder and "/" not in voice else voice
