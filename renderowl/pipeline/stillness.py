"""Stillness: which segments show one picture from their first frame to their last, so that there is no motion to look for."""

from renderowl.pipeline.timeline import Clip, ColorContent, ImageContent, TextContent


def stands_still(clips: tuple[Clip, ...], frames: int) -> bool:
    """Tell whether `frames` frames of these clips are certainly one picture; what is not known to stand moves."""
    return all(_stands(clip, frames) for clip in clips)


def _stands(clip: Clip, frames: int) -> bool:
    content = clip.content
    plain = isinstance(content, ColorContent | TextContent) or (isinstance(content, ImageContent) and not content.view)
    unchanging = Clip(clip.id, clip.start, clip.frames, content, clip.box, clip.opacity)
    return plain and clip == unchanging and clip.start <= 0 and clip.start + clip.frames >= frames
