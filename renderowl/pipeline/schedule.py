"""The schedule: when each clip of a timeline's tracks begins and ends, and how long the film is."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from renderowl.domain.spec.heard import AudioClip, HeardClip, Trim, TtsClip
from renderowl.domain.spec.timeline import (
    AnyClip,
    CaptionClip,
    ImageClip,
    TimelineSpec,
    Track,
    VideoClip,
)
from renderowl.pipeline.captions import Cue, SpokenWord, words_of
from renderowl.pipeline.clock import exact
from renderowl.pipeline.draft import SLACK_S, Draft
from renderowl.pipeline.timeline import Media

STILL_S: Final = Fraction(5)
"""How long a picture, text or colour lasts when nothing says so."""


@dataclass(frozen=True)
class Slot:
    """A clip and its time on the canvas in seconds. `end` is None for one that lasts to the film's end."""

    clip: AnyClip
    track: Track
    at: str
    start: Fraction
    end: Fraction | None
    media: Media | None = None
    source: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    """The part of the source that is used, in its seconds; an end of 0 is a length nobody knows."""
    cues: tuple[Cue, ...] = ()
    taken_over: Fraction = Fraction(0)
    """The seconds at its end in which the sound of the next clip takes over from its own."""

    @property
    def name(self) -> str:
        """The clip's id, or its place."""
        return self.clip.id or self.at.removeprefix("/tracks/").replace("/clips/", ".")


def schedule(spec: TimelineSpec, draft: Draft) -> tuple[list[Slot], Fraction]:
    """Return the slots of all clips in drawing order and the film's length; problems are noted in the draft."""
    slots = [slot for index, track in enumerate(spec.tracks) for slot in _track_slots(track, f"/tracks/{index}", draft)]
    if spec.duration is not None:
        return slots, exact(spec.duration)
    deciding = [slot for slot in slots if slot.track.parent_duration_decider] or slots
    ends = [slot.end for slot in deciding if slot.end is not None]
    if not ends and not draft.errors:
        draft.fail("/duration", 'nothing says how long the film is: every clip lasts to its "end"')
    return slots, max(ends, default=Fraction(0))


def _track_slots(track: Track, at: str, draft: Draft) -> list[Slot]:
    slots: list[Slot] = []
    before: Fraction | None = Fraction(0)
    for index, clip in enumerate(track.clips):
        here = f"{at}/clips/{index}"
        if clip.start == "auto" and before is None:
            draft.fail(f"{here}/start", 'follows a clip that lasts to the film\'s "end"')
        start = (before or Fraction(0)) if isinstance(clip.start, str) else exact(clip.start)
        if isinstance(clip, HeardClip) and clip.crossfade and before is not None:
            start -= _take_over(slots, exact(clip.crossfade), f"{here}/crossfade", draft)
        slot = _slot(clip, track, here, start, draft)
        before = slot.end
        slots.append(slot)
    return slots


def _take_over(slots: list[Slot], seconds: Fraction, at: str, draft: Draft) -> Fraction:
    """Have the last clip's sound taken over by the next one's, and return how much earlier that one begins."""
    last = slots[-1] if slots else None
    if last is None or not isinstance(last.clip, HeardClip | VideoClip):
        draft.fail(at, "there is no sound in front of it to take over from")
    elif last.clip.sound_fades_s[1]:
        draft.fail(at, "the clip in front of it fades out by itself")
    elif last.end is not None and last.end - last.start < seconds + exact(last.clip.sound_fades_s[0]):
        draft.fail(at, f"is longer than the clip in front of it, {float(last.end - last.start):g} s")
    else:
        slots[-1] = replace(last, taken_over=seconds)
        return seconds
    return Fraction(0)


def _slot(clip: AnyClip, track: Track, at: str, start: Fraction, draft: Draft) -> Slot:
    media: Media | None = None
    source = (Fraction(0), Fraction(0))
    cues: tuple[Cue, ...] = ()
    natural: Fraction | None = STILL_S
    if isinstance(clip, VideoClip | AudioClip | TtsClip):
        named = "text" if isinstance(clip, TtsClip) else "src"
        media = draft.media_of(clip.src, "video" if isinstance(clip, VideoClip) else "audio", f"{at}/{named}")
        if media is not None:
            source = _source_part(clip, media, at, draft)
            natural = _natural_length(clip, source, at, draft)
    elif isinstance(clip, ImageClip):
        media = draft.media_of(clip.src, "image", f"{at}/src")
    elif isinstance(clip, CaptionClip):
        cues = _cues(clip, at, draft)
        natural = exact(max(cue.end_s for cue in cues)) if cues else STILL_S
    if clip.duration == "end" or (clip.duration == "auto" and natural is None):
        end = None
    else:
        end = start + (natural or STILL_S if isinstance(clip.duration, str) else exact(clip.duration))
    return Slot(clip, track, at, start, end, media, source, cues)


def _source_part(
    clip: VideoClip | AudioClip | TtsClip, media: Media, at: str, draft: Draft
) -> tuple[Fraction, Fraction]:
    """Return the trimmed part of the source; an end of 0 means that the source's length is not known."""
    trim = clip.trim if isinstance(clip.trim, Trim) else Trim(start=clip.trim or 0.0)
    there = f"{at}/trim/start" if isinstance(clip.trim, Trim) else f"{at}/trim"
    start, end = exact(trim.start), exact(media.duration_s if trim.end is None else trim.end)
    draft.check_part(media, start, end, there, f"{at}/trim/end")
    return start, end


def _natural_length(
    clip: VideoClip | AudioClip | TtsClip, source: tuple[Fraction, Fraction], at: str, draft: Draft
) -> Fraction | None:
    """Return how long the source's part lasts at the clip's speed; None for a loop, which goes on and on."""
    if clip.loop:
        return None
    start, end = source
    length = (end - start) / exact(clip.speed)
    if length <= 0:
        if not end and clip.duration == "auto":
            draft.fail(f"{at}/duration", "must be given: the source does not say how long it is")
        return STILL_S
    if not isinstance(clip.duration, str) and exact(clip.duration) > length + SLACK_S:
        draft.fail(
            f"{at}/duration",
            f"is longer than what the source has left, {float(length):g} s; shorten it, or set loop",
        )
    return length


def _cues(clip: CaptionClip, at: str, draft: Draft) -> tuple[Cue, ...]:
    """Return the cues of a caption clip as far as it gives times of its own."""
    if clip.src is not None:
        return tuple(draft.cues_of(clip.src, f"{at}/src"))
    words: tuple[SpokenWord, ...] = words_of(clip.words)
    return (Cue(clip.text or "", 0.0, max(word.end_s for word in words), words),) if words else ()
