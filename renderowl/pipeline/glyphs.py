"""The check that every letter of a timeline can be drawn: libass would leave out what no font has and say nothing."""

from collections.abc import Iterator

from renderowl.domain.errors import FontMissing
from renderowl.pipeline.fonts import missing_glyphs
from renderowl.pipeline.timeline import CaptionContent, TextContent, Timeline

_SHOWN: int = 20


def require_glyphs(timeline: Timeline) -> None:
    """Raise FontMissing, naming the letters, when a text or caption has some that no bundled font can show."""
    missing = sorted(missing_glyphs("".join(_texts(timeline))))
    if missing:
        named = " ".join(f"{char} (U+{ord(char):04X})" for char in missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise FontMissing(f"no installed font can show {named}{more}")


def _texts(timeline: Timeline) -> Iterator[str]:
    for clip in timeline.clips:
        match clip.content:
            case TextContent(text=text):
                yield text
            case CaptionContent(text=text, words=words):
                yield text
                yield from (word.text for word in words)
