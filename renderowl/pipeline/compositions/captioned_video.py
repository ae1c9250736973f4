"""`captioned_video`: a video, or a picture with a voice, with captions on it."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from renderowl.domain.spec.captions import CaptionedVideoSpec
from renderowl.pipeline.ask import Composition, Use
from renderowl.pipeline.caption_clips import add_captions, bare_clip
from renderowl.pipeline.captions import Cue, cues_of
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.draft import Draft
from renderowl.pipeline.timeline import AudioClip, Clip, ImageContent, Media, Timeline, VideoContent


def sources(spec: CaptionedVideoSpec) -> Iterator[Use]:
    """Yield the video, the sound and the caption file."""
    yield Use(spec.src, "/src")
    if spec.audio_src is not None:
        yield Use(spec.audio_src, "/audio_src")
    if spec.captions_src is not None:
        yield Use(spec.captions_src, "/captions_src", "text")


def compile(spec: CaptionedVideoSpec, draft: Draft) -> Timeline:
    """Lay the captions over the picture; the film is as long as the video, or as the voice over a picture."""
    picture = draft.media_of(spec.src, "picture", "/src")
    voice = draft.media_of(spec.audio_src, "audio", "/audio_src") if spec.audio_src is not None else None
    total = Fraction(0)
    if picture is not None:
        total = _length(spec, picture, voice, draft)
    cues = _cues(spec, total, draft)
    draft.refuse_if_failed()
    assert picture is not None, "a missing picture was noted and refused"
    stage = draft.stage_like(picture)
    frames = draft.frames_of(stage, total, "/src")
    content = ImageContent(spec.src, spec.fit) if picture.kind == "image" else VideoContent(spec.src, fit=spec.fit)
    draft.add(Clip("video", 0, frames, content, stage.box))
    heard = spec.src if spec.audio_src is None else spec.audio_src
    sound = picture if spec.audio_src is None else voice
    if sound is not None and sound.has_audio:
        heard_frames = min(frames, frame_at(exact(sound.duration_s), stage.rate)) if sound.duration_s else frames
        draft.add_sound(AudioClip("audio", 0, heard_frames or frames, heard))
    add_captions(draft, cues, spec.style, stage, bare_clip("captions", 0, frames, stage.box))
    return draft.timeline(stage, frames)


def _length(spec: CaptionedVideoSpec, picture: Media, voice: Media | None, draft: Draft) -> Fraction:
    if picture.kind == "video":
        return draft.length_of(picture, "/src")
    if voice is not None:
        return draft.length_of(voice, "/audio_src")
    if spec.audio_src is None:
        draft.fail("/audio_src", "is required when src is a picture: it says how long the film is")
    return Fraction(0)


def _cues(spec: CaptionedVideoSpec, total: Fraction, draft: Draft) -> list[Cue]:
    if spec.captions_src is not None:
        return draft.cues_of(spec.captions_src, "/captions_src")
    captions = spec.captions or ()
    for index, caption in enumerate(captions):
        if total and exact(caption.start) >= total:
            draft.fail(f"/captions/{index}/start", f"is beyond the film's end at {float(total):g} s")
    return cues_of(captions)


COMPOSITION: Final = Composition(
    id="captioned_video",
    title="Captioned video",
    description="A video with captions burnt in, beside it as a file, or both.",
    aliases=("CaptionedVideo",),
    spec=CaptionedVideoSpec,
    sources=sources,
    compile=compile,
    examples=(
        {
            "src": "asset://ast_talk",
            "captions": [{"text": "Hello and welcome", "start": 0.2, "end": 1.6}],
            "style": {"animation": "highlight", "max_words": 4},
        },
        {"src": "asset://ast_talk", "captions_src": "asset://ast_subtitles"},
    ),
)
