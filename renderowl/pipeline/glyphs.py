"""The check that every letter of a timeline can be drawn: libass would leave out what no font has and say nothing."""

from collections.abc import Iterator

from renderowl.domain.errors import FontMissing
from renderowl.pipeline.fonts import missing_glyphs
from renderowl.pipeline.timeline import CaptionContent, TextContent, TextStyle, Timeline

_SHOWN: int = 20


def require_glyphs(timeline: Timeline) -> None:
    """Raise FontMissing, naming letters and fonts, when a text has some that neither its own font nor a bundled one has."""
    missing: set[str] = set()
    families: set[str] = set()
    for text, style in _texts(timeline):
        lacking = missing_glyphs(text, style.face)
        missing |= lacking
        families |= {style.font_family} if lacking and style.face else set()
    if missing:
        letters = sorted(missing)
        named = " ".join(f"{char} (U+{ord(char):04X})" for char in letters[:_SHOWN])
        more = f" and {len(letters) - _SHOWN} more" if len(letters) > _SHOWN else ""
        fonts = f"neither {', '.join(sorted(families))} nor any installed font" if families else "no installed font"
        raise FontMissing(f"{fonts} can show {named}{more}")


def _texts(timeline: Timeline) -> Iterator[tuple[str, TextStyle]]:
    for clip in timeline.clips:
        match clip.content:
            case TextContent(text=text, style=style):
                yield text, style
            case CaptionContent(style=look) as caption:
                yield caption.letters, look.text
