"""Small charts as SVG text: bars beside each other against a goal, and how values are distributed."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 720
_LETTER: Final = 7.0
_RIGHT: Final = 90
_ROW: Final = 30
_TOP: Final = 50
_FAR: Final = 8.0
_INK, _FAINT, _GOAL = "#1b2a49", "#d8dde6", "#c0392b"
_COLORS: Final = ("#2a6fbb", "#f2a65a", "#5aa469", "#8e6fb5")


def bars(title: str, values: Mapping[str, float], unit: str, goal: float | None = None) -> str:
    """A horizontal bar for each value; a goal is a red line. One that is far beyond all others is cut, and says so."""
    left = max(90.0, max(map(len, values)) * _LETTER + 20)
    most, *others = sorted([*values.values(), goal or 0.0], reverse=True)
    top, _ = _scale(others[0] * 1.25 if len(others) > 1 and most > _FAR * others[0] > 0 else most)

    def at(value: float) -> float:
        return left + value / top * (WIDTH - left - _RIGHT)

    rects, texts = [], []
    for n, (name, value) in enumerate(values.items()):
        y, end = _TOP + n * _ROW, at(min(value, top))
        texts.append(_text(left - 10, y + 17, name, anchor="end"))
        rects.append(f'<rect x="{left:.1f}" y="{y + 3}" width="{end - left:.1f}" height="20" fill="{_COLORS[0]}"/>')
        if value > top:
            rects.append(f'<path d="M{end - 16:.1f} {y + 27}l8 -28" stroke="#ffffff" stroke-width="5"/>')
        texts.append(_text(end + 6, y + 17, f"{figure(value)} {unit}"))
    height = _TOP + len(values) * _ROW + 40
    return _drawing(title, height, [*_axis(top, at, height), *rects, *_goal(goal, at, unit, height), *texts])


def figure(value: float) -> str:
    """A number with three places that count."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def distributions(title: str, groups: Mapping[str, Sequence[float]], unit: str, goal: float | None = None) -> str:
    """The share of values up to each value, a curve for each group; the goal is a red line."""
    top, step = _scale(max([max(values) for values in groups.values()] + [goal or 0.0]))
    left, bottom, high = 60, 300, 230
    span = WIDTH - left - 30

    def at(value: float, share: float) -> str:
        return f"{left + value / top * span:.1f},{bottom - share * high:.1f}"

    body = []
    for share in (0.0, 0.5, 0.95, 1.0):
        y = bottom - share * high
        body.append(f'<line x1="{left}" y1="{y}" x2="{left + span}" y2="{y}" stroke="{_FAINT}"/>')
        body.append(_text(left - 8, y + 4 + (8 if share == 0.95 else 0), f"{share:.0%}", anchor="end"))
    for n in range(round(top / step) + 1):
        body.append(_text(left + n * step / top * span, bottom + 18, f"{n * step:g}", anchor="middle"))
    body.append(_text(left + span / 2, bottom + 36, unit, anchor="middle"))
    for n, (name, values) in enumerate(groups.items()):
        ranked = sorted(values)
        curve = " ".join(at(value, (i + 1) / len(ranked)) for i, value in enumerate(ranked))
        color = _COLORS[n % len(_COLORS)]
        body.append(f'<polyline points="{at(ranked[0], 0)} {curve}" fill="none" stroke="{color}" stroke-width="2"/>')
        body.append(f'<rect x="{left}" y="{bottom + 52 + 20 * n}" width="12" height="12" fill="{color}"/>')
        body.append(_text(left + 20, bottom + 62 + 20 * n, name))
    if goal is not None:
        x = left + goal / top * span
        body.append(
            f'<line x1="{x:.1f}" y1="{bottom - high - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{_GOAL}" stroke-width="2"/>'
        )
        body.append(_text(x + 5, bottom - high - 4, f"goal {goal:g} {unit}", color=_GOAL))
    return _drawing(title, bottom + 60 + 20 * len(groups), body)


def _scale(most: float) -> tuple[float, float]:
    """The end of an axis that holds `most`, and the distance of its marks: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= most / 6)
    return step * math.ceil(most * 1.02 / step), step


def _axis(top: float, at: Callable[[float], float], height: int) -> list[str]:
    marks = []
    _, step = _scale(top / 1.02)
    for n in range(round(top / step) + 1):
        x = at(n * step)
        marks.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - 30}" stroke="{_FAINT}"/>')
        marks.append(_text(x, height - 12, figure(n * step), anchor="middle"))
    return marks


def _goal(goal: float | None, at: Callable[[float], float], unit: str, height: int) -> list[str]:
    if goal is None:
        return []
    x = at(goal)
    line = f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{height - 30}" stroke="{_GOAL}" stroke-width="2"/>'
    return [line, _text(x, _TOP - 10, f"goal {goal:g} {unit}", anchor="middle", color=_GOAL)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", color: str = _INK) -> str:
    """Text with a white rim: it stays legible on a line."""
    rim = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" {rim}>{escape(text)}</text>'


def _drawing(title: str, height: int, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    name = f'<text x="14" y="20" font-weight="bold" fill="{_INK}">{escape(title)}</text>'
    return "\n".join([head, ground, name, *body, "</svg>"]) + "\n"
