"""Text and captions as lines of ASS: plain text in its box, captions by the word with their animations."""

from collections.abc import Iterator
from typing import Final

import msgspec

from renderowl.pipeline.ass import Line, color_tag, styled_text
from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.timeline import Canvas, CaptionContent, CaptionStyle, Clip, TextContent, Word

_CAPTION_MARGIN: Final = 0.07
"""Of the canvas' height and width: captions keep away from the edges even when their box is the whole canvas."""
_POP_MS: Final = 140
_POP_FROM: Final = 60
_TYPING_SHARE: Final = 0.7
"""Of a caption without word times: the typewriter has finished by then."""
_HIDDEN: Final = "{\\alpha&HFF&}"


class _Piece(msgspec.Struct, frozen=True):
    """A part of a caption with its time; `word` is None for the spaces between."""

    text: str
    word: Word | None = None


def text_lines(clip: Clip, content: TextContent, canvas: Canvas) -> list[Line]:
    """Return the one line of a text clip, wrapped into its box and centred on its height."""
    box, style = clip.box, content.style
    left = box.center_x - box.width / 2 + style.padding
    right = box.center_x + box.width / 2 - style.padding
    number, x = {"left": (4, left), "center": (5, box.center_x), "right": (6, right)}[style.align]
    tags = f"\\an{number}\\pos({x:.2f},{box.center_y:.2f})" + _fade(clip, canvas)
    if box.rotation:
        tags += f"\\org({box.center_x:.2f},{box.center_y:.2f})\\frz{-box.rotation:g}"
    line = Line(
        start=clip.start,
        end=clip.start + clip.frames,
        style=style,
        opacity=clip.opacity,
        body=f"{{{tags}}}{styled_text(content.text, style)}",
        margin_left=max(0, round(left)),
        margin_right=max(0, round(canvas.width - right)),
        turned=box.rotation != 0,
    )
    return [line]


def caption_lines(clip: Clip, content: CaptionContent, canvas: Canvas) -> list[Line]:
    """Return the events of a caption, one after the other, each the whole line with its words as they are just then."""
    style = content.style
    place = _caption_place(clip, style, canvas)
    left, right = _caption_margins(clip, canvas)
    end = clip.start + clip.frames
    return [
        Line(
            start=clip.start + begin,
            end=min(end, clip.start + finish),
            style=style.text,
            opacity=clip.opacity,
            body=f"{{{place}{_fade(clip, canvas) if begin == 0 and finish >= clip.frames else ''}}}{body}",
            margin_left=left,
            margin_right=right,
        )
        for begin, finish, body in _moments(clip, content, canvas)
        if begin < min(finish, clip.frames)
    ]


def _fade(clip: Clip, canvas: Canvas) -> str:
    if not clip.fade_in and not clip.fade_out:
        return ""
    frame_ms = 1000 / fraction_of(canvas.rate)
    return f"\\fad({round(clip.fade_in * frame_ms)},{round(clip.fade_out * frame_ms)})"


def _caption_place(clip: Clip, style: CaptionStyle, canvas: Canvas) -> str:
    box, margin = clip.box, canvas.height * _CAPTION_MARGIN
    top, bottom = box.center_y - box.height / 2, box.center_y + box.height / 2
    number, y = {
        "bottom": (2, min(bottom, canvas.height - margin)),
        "center": (5, box.center_y),
        "top": (8, max(top, margin)),
    }[style.position]
    return f"\\an{number}\\pos({box.center_x:.2f},{y:.2f})"


def _caption_margins(clip: Clip, canvas: Canvas) -> tuple[int, int]:
    margin = canvas.width * _CAPTION_MARGIN
    left = max(margin, clip.box.center_x - clip.box.width / 2)
    right = max(margin, canvas.width - clip.box.center_x - clip.box.width / 2)
    return round(left), round(right)


def _moments(clip: Clip, content: CaptionContent, canvas: Canvas) -> Iterator[tuple[int, int, str]]:
    """Yield (first frame, end frame, ASS text) of each state of the caption, in frames from its start."""
    look, words = content.style, content.words
    match look.animation:
        case "typewriter":
            yield from _typewriter(clip, content, canvas)
        case "karaoke" if words:
            yield 0, clip.frames, _karaoke(content, canvas, clip.opacity)
        case "highlight" | "pop" if words:
            pieces = _pieces(content.text, words)
            times = [word.start for word in words]
            if times[0] > 0:
                yield 0, times[0], _at_word(pieces, look, None, clip.opacity)
            for word, finish in zip(words, [*times[1:], clip.frames], strict=True):
                rest = word.start + word.frames
                if look.animation == "highlight" and rest < finish:
                    yield word.start, rest, _at_word(pieces, look, word, clip.opacity)
                    yield rest, finish, _at_word(pieces, look, None, clip.opacity)
                else:
                    yield word.start, finish, _at_word(pieces, look, word, clip.opacity)
        case "pop":
            yield 0, clip.frames, _popping(1.0) + styled_text(content.text, look.text)
        case _:
            yield 0, clip.frames, styled_text(content.text, look.text)


def _pieces(text: str, words: tuple[Word, ...]) -> list[_Piece]:
    """Return the caption's text divided at its words; when they are not all in it, the words with spaces between."""
    pieces: list[_Piece] = []
    place = 0
    for word in words:
        found = text.find(word.text, place)
        if not word.text or found < 0:
            spaced = [piece for word in words for piece in (_Piece(" "), _Piece(word.text, word))]
            return spaced[1:]
        if found > place:
            pieces.append(_Piece(text[place:found]))
        pieces.append(_Piece(word.text, word))
        place = found + len(word.text)
    return [*pieces, _Piece(text[place:])] if place < len(text) else pieces


def _at_word(pieces: list[_Piece], look: CaptionStyle, active: Word | None, opacity: float) -> str:
    """Return the line while `active` is spoken. With pop, words still to come keep their place but are not seen."""
    parts, seen = [], look.animation != "pop"
    spoken = seen
    for piece in pieces:
        if piece.word is not None and not spoken:
            seen = active is not None and piece.word.start <= active.start
        if piece.word is not None and piece.word is active:
            parts.append(_active(piece, look, opacity))
        else:
            plain = styled_text(piece.text, look.text)
            parts.append(plain if seen else f"{_HIDDEN}{plain}{{\\r}}")
    return "".join(parts)


def _active(piece: _Piece, look: CaptionStyle, opacity: float) -> str:
    size = _popping(look.active_scale) if look.animation == "pop" else _scaled(look.active_scale)
    return f"{{{color_tag(1, look.active_color, opacity)}}}{size}{styled_text(piece.text, look.text)}{{\\r}}"


def _scaled(scale: float) -> str:
    return f"{{\\fscx{100 * scale:g}\\fscy{100 * scale:g}}}" if scale != 1 else ""


def _popping(scale: float) -> str:
    small, full = _POP_FROM * scale, 100 * scale
    return f"{{\\fscx{small:g}\\fscy{small:g}\\t(0,{_POP_MS},\\fscx{full:g}\\fscy{full:g})}}"


def _karaoke(content: CaptionContent, canvas: Canvas, opacity: float) -> str:
    """Return one event in which the fill runs through the words; times are rounded cumulatively, so none drifts."""
    look = content.style
    hundredth = 100 / fraction_of(canvas.rate)
    parts = [f"{{{color_tag(1, look.active_color, opacity)}{color_tag(2, look.text.color, opacity)}}}"]
    now = 0
    for piece in _pieces(content.text, content.words):
        if piece.word is not None:
            begin, end = round(piece.word.start * hundredth), round((piece.word.start + piece.word.frames) * hundredth)
            if begin > now:
                parts.append(f"{{\\k{begin - now}}}")
            parts.append(f"{{\\kf{max(0, end - max(begin, now))}}}")
            now = max(now, end)
        parts.append(styled_text(piece.text, look.text))
    return "".join(parts)


def _typewriter(clip: Clip, content: CaptionContent, canvas: Canvas) -> Iterator[tuple[int, int, str]]:
    """Yield the text with ever more letters seen; the hidden rest keeps the line where it is.

    Only what is on the canvas at some frame is written out: each state holds the whole text, and a text of thousands of
    letters has thousands of states.
    """
    text, style = content.text, content.style.text
    times = _letter_frames(text, content.words, clip.frames)
    for count, begin in enumerate(times, start=1):
        finish = times[count] if count < len(times) else clip.frames
        if finish <= begin or clip.start + finish <= 0 or clip.start + begin >= canvas.frames:
            continue
        hidden = f"{_HIDDEN}{styled_text(text[count:], style)}" if count < len(text) else ""
        yield begin, finish, styled_text(text[:count], style) + hidden


def _letter_frames(text: str, words: tuple[Word, ...], frames: int) -> list[int]:
    if not words:
        return [int(index * frames * _TYPING_SHARE / max(1, len(text))) for index in range(len(text))]
    times: list[int] = []
    for piece in _pieces(text, words):
        if piece.word is None:
            times += [times[-1] if times else 0] * len(piece.text)
        else:
            step = piece.word.frames / len(piece.text)
            times += [piece.word.start + int(index * step) for index in range(len(piece.text))]
    return times
