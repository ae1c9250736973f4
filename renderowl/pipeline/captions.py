"""Caption files: SubRip, WebVTT and JSON read into cues, and cues split into lines short enough to be read."""

import html
import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from renderowl.domain.spec.captions import Caption, TimedWord

MAX_CUES: Final = 20_000
MAX_WORDS: Final = 200_000
"""With times of their own, in one file: more than is said in a day."""
_SENTENCE_GAP_S: Final = 0.6

_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_ARROW: Final = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?$")
_INNER_TIME: Final = re.compile(rf"<{_TIME}>")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_TOO_LONG: Final = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""References to characters beyond all that there are; Python reads no number of thousands of digits."""
_OVERRIDE: Final = re.compile(r"\{\\[^{}]{0,200}\}")
"""What SubRip files have taken over from ASS; in WebVTT braces are only braces."""


class CaptionsUnreadable(ValueError):
    """The text is not captions in a form that is known; the message says where it stopped making sense."""


class SpokenWord(msgspec.Struct, frozen=True):
    """A word and when it is spoken, in seconds."""

    text: str
    start_s: float
    end_s: float


class Cue(msgspec.Struct, frozen=True):
    """What is said from `start_s` to `end_s`. `words` is empty when their times are not known."""

    text: str
    start_s: float
    end_s: float
    words: tuple[SpokenWord, ...] = ()


def read_captions(text: str) -> list[Cue]:
    """Read a caption file of any known kind, in order of time; raises CaptionsUnreadable."""
    body = text.lstrip("\ufeff \t\r\n")
    if not body:
        raise CaptionsUnreadable("the file is empty")
    cues: list[Cue] = []
    words = 0
    for cue in _json_cues(body) if body[0] in "[{" else _timed_cues(body):
        cues.append(cue)
        words += len(cue.words)
        if len(cues) > MAX_CUES or words > MAX_WORDS:
            raise CaptionsUnreadable(f"it holds more than {MAX_CUES} captions or {MAX_WORDS} timed words")
    if not cues:
        raise CaptionsUnreadable("it holds no captions; SRT, WebVTT and JSON are known")
    return sorted(cues, key=lambda cue: cue.start_s)


def cues_of(captions: Sequence[Caption]) -> list[Cue]:
    """Return the cues a spec's own captions mean, in order of time."""
    cues = [Cue(caption.text, caption.start, caption.end, words_of(caption.words)) for caption in captions]
    return sorted(cues, key=lambda cue: cue.start_s)


def words_of(words: Sequence[TimedWord]) -> tuple[SpokenWord, ...]:
    """Return a spec's timed words as spoken ones."""
    return tuple(SpokenWord(word.text.strip(), word.start, word.end) for word in words if word.text.strip())


def split(cues: Sequence[Cue], max_words: int, *, timed: bool) -> list[Cue]:
    """Split cues into lines of at most `max_words` words, none shown after the next begins; `timed` wants all words' times."""
    lines = [line for cue in cues for line in _lines(cue, max_words, timed)]
    shown = [
        msgspec.structs.replace(line, end_s=min(line.end_s, after.start_s)) if after.start_s > line.start_s else line
        for line, after in itertools.pairwise(lines)
    ]
    return shown + lines[-1:]


def _lines(cue: Cue, max_words: int, timed: bool) -> Iterator[Cue]:
    count = len(cue.words) or len(cue.text.split())
    if not cue.text.strip():
        return
    if count <= max_words and (cue.words or not timed):
        yield cue
        return
    words = cue.words or estimated_words(cue)
    pieces = -(-len(words) // max_words)
    edges = [round(index * len(words) / pieces) for index in range(pieces + 1)]
    for first, last in itertools.pairwise(edges):
        part = words[first:last]
        text = cue.text if pieces == 1 else " ".join(word.text for word in part)
        start_s = cue.start_s if first == 0 else part[0].start_s
        end_s = cue.end_s if last == len(words) else words[last].start_s
        if end_s > start_s:
            yield Cue(text, start_s, end_s, part if timed or cue.words else ())


def estimated_words(cue: Cue) -> tuple[SpokenWord, ...]:
    """Give the words of a cue times in proportion to their lengths."""
    texts = cue.text.split()
    total = sum(len(text) + 1 for text in texts) or 1
    length = Fraction(cue.end_s) - Fraction(cue.start_s)
    words, gone = [], 0
    for text in texts:
        start = Fraction(cue.start_s) + length * Fraction(gone, total)
        gone += len(text) + 1
        end = Fraction(cue.start_s) + length * Fraction(gone, total)
        words.append(SpokenWord(text, round(float(start), 6), round(float(end), 6)))
    return tuple(words)


def _timed_cues(body: str) -> Iterator[Cue]:
    """Read SRT and WebVTT: whatever follows a line with an arrow, up to an empty line, is a cue."""
    overridden = not body.startswith("WEBVTT")
    lines = iter([*body.splitlines(), ""])
    for line in lines:
        arrow = _ARROW.match(line)
        if arrow is None:
            continue
        start_s, end_s = _seconds(arrow.groups()[:4]), _seconds(arrow.groups()[4:])
        text = []
        for line_of_text in lines:
            if not line_of_text.strip():
                break
            text.append(line_of_text.strip())
        if end_s > start_s and text:
            said = "\n".join(text)
            yield _marked_cue(_OVERRIDE.sub("", said) if overridden else said, start_s, end_s)


def _marked_cue(text: str, start_s: float, end_s: float) -> Cue:
    """Read a cue's text: tags fall away, and WebVTT's times inside it become those of its words."""
    parts = _INNER_TIME.split(text)
    plain = _plain(" ".join(parts[::5]) if len(parts) > 1 else text)
    if len(parts) == 1:
        return Cue(plain, start_s, end_s)
    if len(plain.split()) > MAX_WORDS:
        raise CaptionsUnreadable(f"one of its captions has more than {MAX_WORDS} words")
    starts = [start_s, *(_seconds(parts[index : index + 4]) for index in range(1, len(parts), 5))]
    pieces = [
        Cue(_plain(piece), start, end)
        for piece, start, end in zip(parts[::5], starts, [*starts[1:], end_s], strict=True)
        if _plain(piece) and start_s <= start < end <= end_s
    ]
    words = tuple(word for piece in pieces for word in estimated_words(piece))
    return Cue(" ".join(plain.split()), start_s, end_s, words)


def _plain(text: str) -> str:
    return html.unescape(_TOO_LONG.sub("\ufffd", _TAG.sub("", text))).strip()


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _json_cues(body: str) -> Iterator[Cue]:
    try:
        document = msgspec.json.decode(body.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise CaptionsUnreadable(f"it is not JSON: {error}") from None
    if isinstance(document, dict):
        names = [name for name in ("captions", "segments", "cues", "words") if isinstance(document.get(name), list)]
        if not names:
            raise CaptionsUnreadable('an object must hold a list named "captions", "segments" or "words"')
        items, at = document[names[0]], f"/{names[0]}"
    else:
        items, at = document, ""
    if len(items) > 10 * MAX_CUES:
        raise CaptionsUnreadable(f"it holds more than {MAX_CUES} captions")
    cues = [_json_cue(item, f"{at}/{index}") for index, item in enumerate(items)]
    single = all(len(cue.text.split()) <= 1 for cue in cues) and len(cues) > 1
    return _sentences(cues) if at == "/words" or single else iter(cues)


def _json_cue(item: Any, at: str, depth: int = 0) -> Cue:
    if not isinstance(item, dict):
        raise CaptionsUnreadable(f"{at} must be an object")
    text = item.get("text", item.get("word"))
    if not isinstance(text, str) or "\0" in text:
        raise CaptionsUnreadable(f"{at}/text must be a text")
    start_s, end_s = _json_time(item, "start", at), _json_time(item, "end", at)
    if end_s < start_s:
        raise CaptionsUnreadable(f"{at}/end must not be before start")
    listed = item.get("words") if depth == 0 else None
    words = [_json_cue(word, f"{at}/words/{n}", 1) for n, word in enumerate(listed)] if isinstance(listed, list) else []
    spoken = tuple(SpokenWord(word.text, word.start_s, word.end_s) for word in words if word.text)
    return Cue(text.strip(), start_s, end_s, spoken)


def _json_time(item: dict[str, Any], name: str, at: str) -> float:
    for key, unit in ((name, 1.0), (f"{name}_s", 1.0), (f"{name}Ms", 0.001), (f"{name}_ms", 0.001)):
        value = item.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e8:
            return round(value * unit, 6)
    raise CaptionsUnreadable(f"{at}/{name} must be a number of seconds")


def _sentences(words: Sequence[Cue]) -> Iterator[Cue]:
    """Join single timed words into cues at pauses and ends of sentences."""
    run: list[Cue] = []
    for word in sorted(words, key=lambda cue: cue.start_s):
        if run and (word.start_s - run[-1].end_s > _SENTENCE_GAP_S or run[-1].text.endswith((".", "!", "?", "…"))):
            yield _joined(run)
            run = []
        run.append(word)
    if run:
        yield _joined(run)


def _joined(run: Sequence[Cue]) -> Cue:
    words = tuple(SpokenWord(word.text, word.start_s, word.end_s) for word in run if word.text)
    return Cue(" ".join(word.text for word in words), run[0].start_s, max(word.end_s for word in run), words)
