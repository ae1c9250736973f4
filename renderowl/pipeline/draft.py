"""The draft: what a composition writes its timeline on, collecting problems instead of stopping at the first."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import Final, Literal

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.ask import OUTPUT, PROPS, Ask, refuse
from renderowl.pipeline.captions import CaptionsUnreadable, Cue, read_captions
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.font_files import FontFacts
from renderowl.pipeline.layout import Stage, stage_of
from renderowl.pipeline.slice import window
from renderowl.pipeline.timeline import (
    AudioClip,
    Canvas,
    CaptionContent,
    Chapter,
    Clip,
    Media,
    Subtitle,
    TextContent,
    TextStyle,
    Timeline,
)
from renderowl.pipeline.watermark import watermark_clip
from renderowl.pipeline.writing import is_written

MAX_PIECES: Final = 20_000
"""Most clips, loop passes and caption lines of a film, sounds of it, and captions read for it: a bound on our own work."""

MAX_THUMBNAILS: Final = 1_000

DEFAULT_FPS: Final = 30.0
"""Of a film whose picture has no rate of its own, or an absurd one."""

SLACK_S: Final = Fraction(1, 10)
"""How far a clip may reach beyond its source's end: containers are that vague; the last frame is held."""

Wanted = Literal["video", "image", "picture", "audio"]


class Draft:
    """A timeline in the making. Paths given to its methods are relative to the spec."""

    def __init__(
        self, ask: Ask, media: Mapping[str, Media], texts: Mapping[str, str], fonts: Mapping[str, FontFacts]
    ) -> None:
        self.output = ask.output
        self.limits = ask.limits
        self.media = dict(media)
        self.texts = texts
        self.fonts = fonts
        self.families: dict[str, str] = {}
        """The source of each family of the caller's own, by its name in lower case."""
        self.errors: list[FieldError] = []
        self.clips: list[Clip] = []
        self.audio: list[AudioClip] = []
        self.subtitles: list[Subtitle] = []
        self.chapters: list[Chapter] = []
        self.cues: dict[str, list[Cue]] = {}
        self.cue_uses = 0

    def fail(self, at: str, message: str) -> None:
        """Note a problem and go on."""
        self.errors.append(FieldError(PROPS + at, message))

    def refuse_if_failed(self) -> None:
        """Raise ValidationFailed when problems were noted; for points that cannot be passed with any."""
        if self.errors:
            refuse(self.errors)

    def add(self, clip: Clip) -> None:
        """Add a clip above all that are there."""
        self.clips.append(self._with_face(clip))
        self._refuse_beyond(MAX_PIECES, len(self.clips), "clips and caption lines")

    def add_sound(self, clip: AudioClip) -> None:
        """Add something that is heard."""
        self.audio.append(clip)
        self._refuse_beyond(MAX_PIECES, len(self.audio), "sounds")

    def _refuse_beyond(self, most: int, count: int, noun: str) -> None:
        if count > most:
            self.fail("", f"makes more than {most} {noun}")
            refuse(self.errors)

    def cues_of(self, src: str, at: str) -> list[Cue]:
        """Return the captions in a text source, or note why there are none."""
        if src not in self.cues:
            self.cues[src] = self._read_cues(src, at)
        self.cue_uses += len(self.cues[src])
        if self.cue_uses > MAX_PIECES:
            self.fail(at, f"makes more than {MAX_PIECES} captions")
            refuse(self.errors)
        return self.cues[src]

    def _read_cues(self, src: str, at: str) -> list[Cue]:
        text = self.texts.get(src)
        if text is None:
            self.fail(at, "this text source is not there")
            return []
        try:
            return read_captions(text)
        except CaptionsUnreadable as error:
            self.fail(at, f"cannot be read as captions: {error}")
            return []

    def use_font(self, family: str, src: str, at: str) -> None:
        """Let styles speak of a font by this family, or note why it cannot be one."""
        facts = self.fonts.get(src)
        if facts is None:
            kind = f", and this source is of type {self.media[src].kind}" if src in self.media else ""
            self.fail(at, f"must be a font{kind}")
            return
        known = {self.fonts[other].name: self.fonts[other] for other in self.families.values()}
        if known.get(facts.name, facts).content_hash != facts.content_hash:
            self.fail(at, f'is a font named "{facts.name}" inside, as another one is')
        self.media[src] = Media(src, "font", facts.content_hash)
        self.families[family.casefold()] = src

    def _with_face(self, clip: Clip) -> Clip:
        """Return the clip with the file of its font, when that is one of the caller's own."""
        match clip.content:
            case TextContent() as content:
                faced = msgspec.structs.replace(content, style=self._faced(content.style, content.text))
                return msgspec.structs.replace(clip, content=faced)
            case CaptionContent(style=look) as caption:
                style = msgspec.structs.replace(look, text=self._faced(look.text, caption.letters))
                return msgspec.structs.replace(clip, content=msgspec.structs.replace(caption, style=style))
        return clip

    def _faced(self, style: TextStyle, text: str) -> TextStyle:
        src = self.families.get(style.font_family.casefold())
        return msgspec.structs.replace(style, face=self.fonts[src].face(src, text)) if src else style

    def media_of(self, src: str, wanted: Wanted, at: str) -> Media | None:
        """Return what is known of a source, or note why it cannot be what is wanted."""
        media = self.media.get(src)
        if media is None:
            self.fail(at, "this source is not there")
            return None
        fits = {
            "video": media.kind == "video" and media.has_video,
            "image": media.kind == "image",
            "picture": media.kind == "image" or (media.kind == "video" and media.has_video),
            "audio": media.has_audio,
        }
        if fits[wanted]:
            return media
        if wanted == "audio" and media.kind == "video":
            self.fail(at, "this video has no sound")
        else:
            needed = "a picture or a video" if wanted == "picture" else f"of type {wanted}"
            self.fail(at, f"must be {needed}, and this source is of type {media.kind}")
        return None

    def length_of(self, media: Media, at: str) -> Fraction:
        """Return how long a source is, or note that nobody knows."""
        if not media.duration_s:
            self.fail(at, "does not say how long it is")
        return exact(media.duration_s)

    def check_part(self, media: Media, start: Fraction, end: Fraction, start_at: str, end_at: str) -> None:
        """Note when a part of a source begins or ends beyond it, as far as its length is known."""
        length, problem = exact(media.duration_s), f"is beyond the source's end at {media.duration_s:g} s"
        if length and start >= length:
            self.fail(start_at, problem)
        elif length and end > length + SLACK_S:
            self.fail(end_at, problem)

    def fps_of(self, picture: Media) -> float:
        """Return the rate of a film that goes by this picture's."""
        return picture.fps if 1 <= picture.fps <= self.limits.max_fps else DEFAULT_FPS

    def stage_like(self, picture: Media) -> Stage:
        """Return the picture's own size and rate, lowered to the limits; the output settings say otherwise."""
        long, short = max(picture.width, picture.height, 1), max(min(picture.width, picture.height), 1)
        scale = min(1.0, self.limits.max_width / long, self.limits.max_height / short)
        width, height = max(16, round(picture.width * scale)), max(16, round(picture.height * scale))
        return stage_of(width, height, self.fps_of(picture), "#000000", self.output)

    def frames_of(self, stage: Stage, total: Fraction, at: str) -> int:
        """Return how many frames the film has, `at` being the place to blame when they are none or too many.

        Raises ValidationFailed with all problems noted when it is too long: nothing then has to be laid out.
        """
        frames = frame_at(total, stage.rate)
        self.errors += size_problems(stage, self.output, self.limits)
        self.errors += self._watermark_problems()
        if frames < 1:
            self.fail(at, "the film would have no frame")
        elif total > exact(self.limits.max_duration_s):
            self.fail(at, f"the film would last {float(total):g} s; the limit is {self.limits.max_duration_s:g} s")
            refuse(self.errors)
        return frames

    def timeline(self, stage: Stage, frames: int) -> Timeline:
        """Return the finished timeline, cut to `output.range`; raises ValidationFailed with all problems noted."""
        if self.output.format in ("mp3", "wav") and not self.audio:
            self.errors.append(
                FieldError(f"{OUTPUT}/format", f"the film has no sound to write into {self.output.name}")
            )
        self.refuse_if_failed()
        canvas = Canvas(stage.width, stage.height, stage.rate, frames, stage.background)
        asked = self.output.watermark
        if asked is not None and asked.opacity > 0:
            self.add(watermark_clip(asked, self.media[asked.src], canvas))
        burnt = self.output.captions in ("burn", "both")
        clips = tuple(clip for clip in self.clips if burnt or not isinstance(clip.content, CaptionContent))
        used = {src for clip in clips for src in clip.sources} | {s.src for s in self.audio}
        timeline = Timeline(
            canvas=canvas,
            media={src: self.media[src] for src in sorted(used)},
            clips=clips,
            audio=tuple(self.audio),
            subtitles=tuple(sorted(self.subtitles, key=lambda subtitle: (subtitle.start_s, subtitle.end_s))),
            chapters=tuple(self.chapters),
        )
        timeline = self._in_range(timeline)
        most, at_s = crowd_of(timeline)
        if most > self.limits.max_layers:
            refuse(
                [FieldError(PROPS, f"shows {most} layers at {at_s:g} s; the limit is {self.limits.max_layers} at once")]
            )
        shown_s = timeline.canvas.duration_s
        if self.output.poster is not None and self.output.poster.at > shown_s:
            refuse([FieldError(f"{OUTPUT}/poster/at", f"is beyond the film's end at {shown_s:g} s")])
        thumbnails = self.output.thumbnails
        if thumbnails is not None and shown_s / thumbnails.interval_s > MAX_THUMBNAILS:
            least = ceil(100 * shown_s / MAX_THUMBNAILS) / 100
            message = f"must be at least {least:g}: a film has at most {MAX_THUMBNAILS} thumbnails"
            refuse([FieldError(f"{OUTPUT}/thumbnails/interval_s", message)])
        return timeline

    def _watermark_problems(self) -> Iterator[FieldError]:
        asked = self.output.watermark
        media = self.media.get(asked.src) if asked is not None else None
        if asked is not None and (media is None or media.kind != "image"):
            kind = f", and this source is of type {media.kind}" if media else ""
            yield FieldError(f"{OUTPUT}/watermark/src", f"must be a picture{kind}")

    def _in_range(self, timeline: Timeline) -> Timeline:
        asked = self.output.range
        if asked is None:
            return timeline
        canvas = timeline.canvas
        total_s = canvas.duration_s
        start = frame_at(exact(asked.start), canvas.rate)
        end = canvas.frames if asked.end is None else frame_at(exact(asked.end), canvas.rate)
        if start >= canvas.frames:
            refuse([FieldError(f"{OUTPUT}/range/start", f"is beyond the film's end at {total_s:g} s")])
        if end > canvas.frames:
            refuse([FieldError(f"{OUTPUT}/range/end", f"is beyond the film's end at {total_s:g} s")])
        if end <= start:
            refuse([FieldError(f"{OUTPUT}/range", "is shorter than one frame")])
        return window(timeline, start, end)


def crowd_of(timeline: Timeline) -> tuple[int, float]:
    """Return how many layers are drawn at once where they are most, and when that first is, in seconds."""
    layers = [clip for clip in timeline.clips if not is_written(clip)]
    changes = [(clip.start, 1) for clip in layers] + [(clip.start + clip.frames, -1) for clip in layers]
    drawn, most, frame = 0, 0, 0
    for at, change in sorted(changes):
        drawn += change
        if drawn > most:
            most, frame = drawn, at
    rate = timeline.canvas.rate
    return most, max(0, frame) * rate.den / rate.num


def clip_problems(count: int, limits: Limits, at: str, noun: str = "clips") -> Iterator[FieldError]:
    """Yield what makes a film of more clips than are allowed; the path is relative to the spec."""
    if count > limits.max_clips:
        yield FieldError(PROPS + at, f"has {count} {noun}; the limit is {limits.max_clips}")


def length_problems(duration: float | None, limits: Limits) -> Iterator[FieldError]:
    """Yield what makes the length that a spec asks for too long."""
    if duration is not None and duration > limits.max_duration_s:
        yield FieldError(
            f"{PROPS}/duration", f"must be at most {limits.max_duration_s:g}, the limit on a film's length"
        )


def size_problems(stage: Stage, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what makes a canvas larger or faster than the limits allow, at the field that decided about it."""
    size = f"{stage.width}x{stage.height}"
    long, short = max(stage.width, stage.height), min(stage.width, stage.height)
    if long > limits.max_width or short > limits.max_height:
        field = "width" if stage.width >= stage.height else "height"
        where = OUTPUT if output.width or output.height or output.aspect_ratio else PROPS
        yield FieldError(f"{where}/{field}", f"{size} is larger than {limits.max_width}x{limits.max_height}")
    elif short < 16:
        where = OUTPUT if output.width or output.height or output.aspect_ratio else PROPS
        yield FieldError(f"{where}/height", f"{size} is too small; each side must have 16 pixels")
    if stage.rate.num > limits.max_fps * stage.rate.den:
        where = OUTPUT if output.fps is not None else PROPS
        yield FieldError(f"{where}/fps", f"must be at most {limits.max_fps:g}")
