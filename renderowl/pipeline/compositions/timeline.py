"""`timeline`: tracks of clips on a canvas, the first at the bottom."""

from collections.abc import Iterator
from typing import Final

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.heard import AudioClip, HeardClip, TtsClip
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.motion import VolumeKeyframe
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.timeline import (
    CaptionClip,
    ColorClip,
    ImageClip,
    SeenClip,
    ShapeClip,
    TextClip,
    TimelineSpec,
    VideoClip,
)
from renderowl.pipeline import timeline as out
from renderowl.pipeline.ask import PROPS, Composition, Said, Use
from renderowl.pipeline.caption_clips import add_captions
from renderowl.pipeline.captions import Cue
from renderowl.pipeline.clip_sources import with_clip_sources
from renderowl.pipeline.clock import exact, frame_at, seconds_of
from renderowl.pipeline.draft import Draft, clip_problems, length_problems, size_problems
from renderowl.pipeline.effects.path import is_constant
from renderowl.pipeline.ken_burns import ken_burns
from renderowl.pipeline.keyframes import at_rest, keys_of, side_problems, with_moves
from renderowl.pipeline.layout import (
    MAX_BOX_SIDE,
    Stage,
    box_of,
    crop_of,
    plain_color,
    shape_box,
    stage_of,
    text_align,
    text_box,
    text_style,
)
from renderowl.pipeline.looks import filters_of, key_of, shape_of
from renderowl.pipeline.meeting import Stay, stays
from renderowl.pipeline.motion import Key
from renderowl.pipeline.passes import SHORTEST_PASS_S, in_passes, pass_starts
from renderowl.pipeline.schedule import Slot, schedule
from renderowl.pipeline.size import Size, fit_size


def sources(spec: TimelineSpec) -> Iterator[Use]:
    """Yield the sources of all fonts and clips."""
    for index, font in enumerate(spec.fonts):
        yield Use(font.src, f"/fonts/{index}/src", "font")
    for track_index, track in enumerate(spec.tracks):
        for index, clip in enumerate(track.clips):
            if not isinstance(clip, TtsClip | TextClip | ColorClip | ShapeClip) and clip.src is not None:
                at = f"/tracks/{track_index}/clips/{index}/src"
                yield Use(clip.src, at, "text" if isinstance(clip, CaptionClip) else "media")


def speeches(spec: TimelineSpec) -> Iterator[Said]:
    """Yield the texts of all clips that speak."""
    for track_index, track in enumerate(spec.tracks):
        for index, clip in enumerate(track.clips):
            if isinstance(clip, TtsClip):
                at = f"/tracks/{track_index}/clips/{index}"
                yield Said(clip.speech, f"{at}/text", at)


def check(spec: TimelineSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    if len(spec.tracks) > limits.max_tracks:
        yield FieldError(f"{PROPS}/tracks", f"has {len(spec.tracks)} tracks; the limit is {limits.max_tracks}")
    yield from clip_problems(sum(len(track.clips) for track in spec.tracks), limits, "/tracks")
    yield from length_problems(spec.duration, limits)
    yield from size_problems(_stage(spec, output), output, limits)


def compile(spec: TimelineSpec, draft: Draft) -> out.Timeline:
    """Lay all clips out on the canvas."""
    stage = _stage(spec, draft.output)
    for index, font in enumerate(spec.fonts):
        draft.use_font(font.family, font.src, f"/fonts/{index}/src")
    slots, total = schedule(spec, draft)
    frames = draft.frames_of(stage, total, "/duration" if spec.duration is not None else "/tracks")
    for slot, stay in zip(slots, stays(slots, stage.rate), strict=True):
        _Placing(draft, stage, slot, stay, frames).place()
    return draft.timeline(stage, frames)


def _stage(spec: TimelineSpec, output: OutputSettings) -> Stage:
    return stage_of(spec.width, spec.height, spec.fps, spec.background, output)


class _Placing:
    """One slot on its way into the draft: its frames, clamped to the film, and how it comes and goes."""

    def __init__(self, draft: Draft, stage: Stage, slot: Slot, stay: Stay, film_frames: int) -> None:
        self.draft, self.stage, self.slot, self.stay = draft, stage, slot, stay
        self.start = frame_at(slot.start, stage.rate)
        whole_end = film_frames if slot.end is None else frame_at(slot.end, stage.rate)
        self.frames = min(whole_end, film_frames) - self.start
        self.shown = min(whole_end + stay.frames, film_frames) - self.start
        self.empty = whole_end <= self.start and slot.end is not None

    def place(self) -> None:
        clip, at = self.slot.clip, self.slot.at
        if self.empty:
            self.draft.fail(f"{at}/duration", "is shorter than one frame")
        if self.frames <= 0:
            return
        come, go = (frame_at(exact(seconds), self.stage.rate) for seconds in clip.ends_s)
        if come + go > self.frames:
            seconds = self.frames * self.stage.rate.den / self.stage.rate.num
            self.draft.fail(f"{at}/{clip.longest_end}", f"coming and going last longer than the clip, {seconds:g} s")
            return
        if isinstance(clip, SeenClip):
            for path, message in side_problems(clip):
                self.draft.fail(at + path, message)
            clip = at_rest(clip, self.stage)
        match clip:
            case VideoClip():
                self.video(clip)
            case ImageClip():
                self.image(clip)
            case AudioClip() | TtsClip():
                self.sound(clip)
            case TextClip():
                self.text(clip)
            case ColorClip():
                self.seen(clip, out.ColorContent(plain_color(clip.color)), box_of(clip, self.stage))
            case ShapeClip():
                self.seen(clip, shape_of(clip, self.stage), shape_box(clip, self.stage))
            case CaptionClip():
                self.captions(clip)

    def video(self, clip: VideoClip) -> None:
        media = self.slot.media
        if media is None:
            return
        crop, natural = self.cropped(clip, media)
        box, view = self.viewed(clip, natural)
        start = seconds_of(self.slot.source[0])
        content = out.VideoContent(
            clip.src, start, clip.speed, fit=clip.fit, crop=crop, view=view, key=key_of(clip.chroma_key)
        )
        whole = self.drawn(clip, content, box)
        if (passes := self.passes(clip, split=True)) is None:
            self.keep(msgspec.structs.replace(whole, content=msgspec.structs.replace(content, loop=True)))
        else:
            for piece in in_passes(whole, passes):
                self.keep(piece)
        if media.has_audio:
            self.sound(clip)

    def image(self, clip: ImageClip) -> None:
        if self.slot.media is not None:
            crop, natural = self.cropped(clip, self.slot.media)
            box, view = self.viewed(clip, natural)
            self.seen(clip, out.ImageContent(clip.src, clip.fit, crop, view, key_of(clip.chroma_key)), box)

    def text(self, clip: TextClip) -> None:
        style = msgspec.structs.replace(text_style(clip.style, self.stage), align=text_align(clip))
        self.seen(clip, out.TextContent(clip.text, style), text_box(clip, self.stage, style))

    def captions(self, clip: CaptionClip) -> None:
        length_s = self.frames * self.stage.rate.den / self.stage.rate.num
        cues = self.slot.cues or (Cue(clip.text or "", 0.0, length_s),)
        bare = self.drawn(clip, out.CaptionContent(""), box_of(clip, self.stage))
        add_captions(self.draft, cues, clip.style, self.stage, bare, origin=self.slot.start)

    def sound(self, clip: VideoClip | AudioClip | TtsClip) -> None:
        track = self.slot.track
        gain, envelope = _volume(clip.volume, self.stage.rate)
        if clip.mute or track.mute or gain * track.volume == 0 or self.slot.media is None:
            return
        passes = self.passes(clip, split=False)
        fade_in, fade_out = (frame_at(exact(seconds), self.stage.rate) for seconds in clip.sound_fades_s)
        taken_over = frame_at(self.slot.taken_over, self.stage.rate)
        whole = out.AudioClip(
            id=self.slot.name,
            start=self.start,
            frames=self.frames,
            src=clip.src,
            source_start=seconds_of(self.slot.source[0]),
            speed=clip.speed,
            keep_pitch=clip.preserve_pitch,
            loop=passes is None,
            gain=gain * track.volume,
            envelope=envelope,
            fade_in=fade_in,
            fade_out=min(fade_out or taken_over, self.frames - fade_in),
            crossed_in=isinstance(clip, HeardClip) and clip.crossfade > 0,
            crossed_out=taken_over > 0,
            group=track.id or "",
            duck=out.Duck(**msgspec.structs.asdict(track.duck)) if track.duck else None,
        )
        for piece in [whole] if passes is None else in_passes(whole, passes):
            self.draft.add_sound(piece)

    def cropped(self, clip: VideoClip | ImageClip, media: out.Media) -> tuple[out.Crop | None, tuple[int, int]]:
        """Return the crop and the size of what it leaves."""
        try:
            crop = crop_of(clip.crop, media.width, media.height)
        except ValueError as error:
            self.draft.fail(f"{self.slot.at}/crop", str(error))
            crop = None
        return crop, (crop.width, crop.height) if crop else (media.width, media.height)

    def viewed(self, clip: VideoClip | ImageClip, natural: tuple[int, int]) -> tuple[out.Box, tuple[out.ViewKey, ...]]:
        """Return the clip's box, and how the picture moves in it; a contained one has a box of its own size."""
        box = box_of(clip, self.stage, natural)
        if clip.ken_burns is None or not all(natural):
            return box, ()
        if clip.fit == "contain":
            size = fit_size(Size(*natural), Size(box.width, box.height), "contain")
            box = msgspec.structs.replace(box, width=size.width, height=size.height)
        try:
            return box, ken_burns(clip.ken_burns, natural, box, clip.fit, self.shown)
        except ValueError as error:
            self.draft.fail(f"{self.slot.at}/ken_burns", str(error))
            return box, ()

    def passes(self, clip: VideoClip | AudioClip | TtsClip, *, split: bool) -> list[int] | None:
        """Return the frames at which the passes of a loop begin, [0] without one; None leaves looping to the renderer.

        It loops whole sources only, so a trimmed one is split whether or not that is wanted.
        """
        if not clip.loop:
            return [0]
        start, end = self.slot.source
        length = (end - start) / exact(clip.speed)
        pass_frames = frame_at(length, self.stage.rate)
        trimmed = start > 0 or (self.slot.media is not None and end < exact(self.slot.media.duration_s))
        longest = frame_at(exact(max(clip.ends_s)), self.stage.rate)
        splittable = length >= SHORTEST_PASS_S and longest <= pass_frames
        if trimmed and not splittable:
            least = (
                "and no fade or transition longer than it"
                if length >= SHORTEST_PASS_S
                else f"at least {SHORTEST_PASS_S} s long"
            )
            self.draft.fail(f"{self.slot.at}/trim", f"with loop, the part of the source must be {least}")
        if not splittable or not (trimmed or split):
            return None
        return pass_starts(length, self.shown if split else self.frames, self.stage.rate)

    def drawn(self, clip: SeenClip, content: out.Content, box: out.Box) -> out.Clip:
        if max(box.width, box.height) > MAX_BOX_SIDE:
            self.draft.fail(
                f"{self.slot.at}/scale", f"makes the clip {box.width}x{box.height}; a side has at most {MAX_BOX_SIDE}"
            )
        drawn = out.Clip(
            id=self.slot.name,
            start=self.start,
            frames=self.shown,
            content=content,
            box=box,
            opacity=clip.opacity,
            filters=filters_of(clip.filters, self.stage),
        )
        said = self.slot.clip
        assert isinstance(said, SeenClip)
        return with_moves(drawn, said, self.stay, self.stage)

    def seen(self, clip: SeenClip, content: out.Content, box: out.Box) -> None:
        self.keep(self.drawn(clip, content, box))

    def keep(self, clip: out.Clip) -> None:
        if clip.opacity > 0:
            self.draft.add(clip)


def _volume(volume: float | tuple[VolumeKeyframe, ...], rate: out.Rate) -> tuple[float, tuple[Key, ...]]:
    """Return the gain and the envelope a volume means; one that never changes is a gain."""
    if isinstance(volume, int | float):
        return volume, ()
    keys = keys_of(volume, rate)
    return (keys[0].value, ()) if is_constant(keys) else (1.0, keys)


COMPOSITION: Final = Composition(
    id="timeline",
    title="Timeline",
    description="Tracks of video, image, audio, text, speech, colour, shape and caption clips on a canvas.",
    spec=TimelineSpec,
    resolve=with_clip_sources,
    sources=sources,
    speeches=speeches,
    check=check,
    compile=compile,
    examples=(
        {
            "width": 1280,
            "height": 720,
            "tracks": [
                {
                    "clips": [
                        {"type": "video", "src": "asset://ast_intro", "trim": {"start": 1, "end": 4}, "fade_in": 0.5},
                        {
                            "type": "image",
                            "src": "asset://ast_photo",
                            "duration": 3,
                            "transition": {"in": {"type": "push", "direction": "left", "duration": 0.5}},
                            "keyframes": [
                                {"property": "scale", "time": 1, "value": 1, "easing": "ease_in_out"},
                                {"property": "scale", "time": 3, "value": 1.25},
                            ],
                        },
                    ]
                },
                {"clips": [{"type": "text", "text": "Hello", "start": 0.5, "duration": 2, "position": "bottom"}]},
                {"volume": 0.4, "clips": [{"type": "audio", "src": "asset://ast_music", "fade_out": 1}]},
            ],
        },
        {
            "tracks": [
                {"clips": [{"type": "image", "src": "asset://ast_owl", "duration": "end"}]},
                {
                    "id": "voice",
                    "clips": [{"type": "tts", "text": "Owls hunt at night.", "language": "en-GB", "start": 1}],
                },
                {
                    "duck": {"against": ["voice"]},
                    "clips": [
                        {
                            "type": "audio",
                            "src": "asset://ast_dusk",
                            "duration": 8,
                            "volume": [{"time": 0, "value": 0}, {"time": 2, "value": 0.8, "easing": "ease_out"}],
                        },
                        {"type": "audio", "src": "asset://ast_night", "duration": 8, "crossfade": 3},
                    ],
                },
            ],
        },
        {
            "fonts": [{"family": "Brand", "src": "asset://ast_brand"}],
            "tracks": [
                {"clips": [{"type": "image", "src": "asset://ast_studio", "filters": [{"type": "blur", "radius": 6}]}]},
                {"clips": [{"type": "video", "src": "asset://ast_talk", "chroma_key": {"color": "#00b140"}}]},
                {"clips": [{"type": "shape", "radius": 20, "fill": "#101820c0", "height": 160, "position": "bottom"}]},
                {"clips": [{"type": "text", "text": "Hello", "style": {"font_family": "Brand"}, "position": "bottom"}]},
            ],
        },
    ),
)
