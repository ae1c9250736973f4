"""`slideshow`: scenes of pictures with a voice over each, crossfaded, music below."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.captions import CaptionLook
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.slideshow import Scene, SlideshowOptions, SlideshowSpec
from renderowl.pipeline.ask import OUTPUT, PROPS, Composition, Said, Use
from renderowl.pipeline.caption_clips import add_captions, bare_clip
from renderowl.pipeline.captions import Cue
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.draft import Draft, clip_problems, size_problems
from renderowl.pipeline.layout import Stage, stage_of
from renderowl.pipeline.timeline import AudioClip, Clip, Duck, ImageContent, Timeline

_VOICES: Final = "voices"
_MUSIC_FADE_S: Final = Fraction(2)


def sources(spec: SlideshowSpec) -> Iterator[Use]:
    """Yield the pictures and voices of all scenes, and the music."""
    for index, scene in enumerate(spec.scenes):
        for number, src in enumerate(scene.images):
            yield Use(src, f"/scenes/{index}/images/{number}")
        if scene.voiceover and (voice := spec.voice_of(scene)):
            yield Use(voice, f"/scenes/{index}/voiceover")
    if spec.render_options.music is not None:
        yield Use(spec.render_options.music, "/render_options/music")


def speeches(spec: SlideshowSpec) -> Iterator[Said]:
    """Yield the texts of the scenes that are spoken."""
    for index, scene in enumerate(spec.scenes):
        if speech := spec.speech_of(scene):
            yield Said(speech, f"/scenes/{index}/text", "/render_options/tts")


def defaults(spec: SlideshowSpec) -> dict[str, Any]:
    """Return the encoder settings among the render options."""
    given, plain = spec.render_options, SlideshowOptions()
    said = {"crf": (given.crf, plain.crf), "preset": (given.preset, plain.preset)}
    return {name: value for name, (value, default) in said.items() if value != default}


def check(spec: SlideshowSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    yield from clip_problems(len(spec.scenes), limits, "/scenes", "scenes")
    for error in size_problems(_stage(spec, output), output, limits):
        path = error.path.replace(f"{PROPS}/fps", f"{PROPS}/render_options/fps")
        yield FieldError(path.replace(f"{PROPS}/width", f"{OUTPUT}/width"), error.message)


def compile(spec: SlideshowSpec, draft: Draft) -> Timeline:
    """Lay the shots of all scenes one after the other, each coming over the one before it."""
    options, stage = spec.render_options, _stage(spec, draft.output)
    lengths = [_length(spec, index, draft) for index in range(len(spec.scenes))]
    if options.music is not None:
        draft.media_of(options.music, "audio", "/render_options/music")
    draft.refuse_if_failed()
    begins = list(accumulate(lengths, initial=Fraction(0)))
    frames = draft.frames_of(stage, begins[-1], "/scenes")
    shots = [
        (time, src)
        for scene, start, length in zip(spec.scenes, begins, lengths, strict=False)
        for time, src in _shots(scene, start, length, options)
    ]
    edges = [*(frame_at(time, stage.rate) for time, _ in shots), frames]
    fades = _fades(edges, frame_at(exact(options.xfade), stage.rate))
    for index, ((_, src), (start, end)) in enumerate(zip(shots, pairwise(edges), strict=True)):
        first, last = start - fades[index] // 2, end + (fades[index + 1] + 1) // 2
        draft.add(
            Clip(f"shot{index}", first, last - first, ImageContent(src, options.fit), stage.box, fade_in=fades[index])
        )
    for index, (scene, (begin, finish)) in enumerate(zip(spec.scenes, pairwise(begins), strict=True)):
        start, end = frame_at(begin, stage.rate), frame_at(finish, stage.rate)
        if voice := spec.voice_of(scene):
            draft.add_sound(AudioClip(f"voice{index}", start, end - start, voice, group=_VOICES))
        if scene.text and scene.text.strip():
            cue = Cue(scene.text, 0.0, float(finish - begin))
            add_captions(
                draft,
                [cue],
                CaptionLook(),
                stage,
                bare_clip(f"text{index}", start, end - start, stage.box),
                origin=begin,
            )
    _music(options, frames, stage, draft)
    return draft.timeline(stage, frames)


def _stage(spec: SlideshowSpec, output: OutputSettings) -> Stage:
    return stage_of(1920, 1080, spec.render_options.fps, "#000000", output)


def _length(spec: SlideshowSpec, index: int, draft: Draft) -> Fraction:
    """Return how long a scene lasts, and look at its sources."""
    scene, at = spec.scenes[index], f"/scenes/{index}"
    for number, src in enumerate(scene.images):
        draft.media_of(src, "image", f"{at}/images/{number}")
    asked = None if scene.duration is None else exact(scene.duration)
    voice = spec.voice_of(scene)
    if voice is None:
        return asked or exact(spec.render_options.min_shot) * len(scene.images)
    media = draft.media_of(voice, "audio", f"{at}/{'voiceover' if scene.voiceover else 'text'}")
    if media is None:
        return asked or Fraction(0)
    spoken = exact(media.duration_s)
    if not spoken and asked is None:
        draft.fail(f"{at}/duration", "must be given: the voice-over does not say how long it is")
    if asked is not None and asked < spoken:
        draft.fail(f"{at}/duration", f"is shorter than the voice-over, {float(spoken):g} s")
    return asked or spoken


def _shots(
    scene: Scene, start: Fraction, length: Fraction, options: SlideshowOptions
) -> Iterator[tuple[Fraction, str]]:
    """Yield when each shot begins and what it shows: equal lengths within the bounds, the pictures in turn.

    A scene too short for a `min_shot` of each picture shows only its first ones.
    """
    shortest, longest = exact(options.min_shot), exact(options.max_shot)
    wanted = max(len(scene.images), -(-length // longest))
    count = int(max(1, min(wanted, length // shortest)))
    for index in range(count):
        yield start + length * index / count, scene.images[index % len(scene.images)]


def _fades(edges: list[int], wanted: int) -> list[int]:
    """Return the frames of crossfade around each edge, none at the film's own; short shots shorten theirs."""
    lengths = [end - start for start, end in pairwise(edges)]
    inner = (min(wanted, before, after) for before, after in pairwise(lengths))
    return [0, *inner, 0]


def _music(options: SlideshowOptions, frames: int, stage: Stage, draft: Draft) -> None:
    if options.music is None or not options.music_volume:
        return
    fade = min(frames, frame_at(_MUSIC_FADE_S, stage.rate))
    duck = Duck((_VOICES,)) if options.ducking else None
    music = AudioClip("music", 0, frames, options.music, loop=True, gain=options.music_volume, fade_out=fade, duck=duck)
    draft.add_sound(music)


COMPOSITION: Final = Composition(
    id="slideshow",
    title="Slideshow",
    description="Scenes of pictures, each as long as its voice-over, crossfaded, with music below.",
    spec=SlideshowSpec,
    sources=sources,
    speeches=speeches,
    check=check,
    compile=compile,
    defaults=defaults,
    examples=(
        {
            "scenes": [
                {"id": "opening", "images": ["asset://ast_owl", "asset://ast_wood"], "voiceover": "asset://ast_voice"},
                {"images": ["asset://ast_moon"], "text": "The end", "duration": 4},
            ],
            "renderOptions": {"xfade": 0.5, "music": "asset://ast_music", "ducking": True},
        },
    ),
)
