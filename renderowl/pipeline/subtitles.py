"""Sidecar files: SubRip and WebVTT from the timeline's subtitles."""

from collections.abc import Sequence

from renderowl.pipeline.timeline import Subtitle


def srt(subtitles: Sequence[Subtitle]) -> str:
    """Return a SubRip file; an empty line would end a subtitle, so none is kept."""
    blocks = (
        f"{number}\n{_clock(line.start_s, ',')} --> {_clock(line.end_s, ',')}\n{_without_gaps(line.text)}\n"
        for number, line in enumerate(subtitles, start=1)
    )
    return "\n".join(blocks)


def vtt(subtitles: Sequence[Subtitle]) -> str:
    """Return a WebVTT file; the text is text: what would be a tag or an arrow is escaped."""
    blocks = (
        f"{_clock(line.start_s, '.')} --> {_clock(line.end_s, '.')}\n{_escaped(_without_gaps(line.text))}\n"
        for line in subtitles
    )
    return "WEBVTT\n\n" + "\n".join(blocks)


def vtt_time(seconds: float) -> str:
    """Return a time as WebVTT writes it."""
    return _clock(seconds, ".")


def _without_gaps(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, point: str) -> str:
    total, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(total, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{point}{thousandths:03}"
