"""Metadata and chapters as FFmpeg's metadata file tells them to a muxer."""

from collections.abc import Mapping, Sequence

from renderowl.pipeline.timeline import Chapter, Rate


def ffmetadata(chapters: Sequence[Chapter], rate: Rate, metadata: Mapping[str, str] | None = None) -> str:
    """Return the file; whatever a title holds, it stays a title."""
    parts = [";FFMETADATA1", *(f"{name}={_escaped(text)}" for name, text in (metadata or {}).items())]
    for chapter in chapters:
        end = chapter.start + chapter.frames
        parts += ["[CHAPTER]", f"TIMEBASE={rate.den}/{rate.num}", f"START={chapter.start}", f"END={end}"]
        parts.append(f"title={_escaped(chapter.title)}")
    return "\n".join(parts) + "\n"


def _escaped(title: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in title)
    return "".join(f"\\{char}" if char in "=;#\\" else char for char in plain)
