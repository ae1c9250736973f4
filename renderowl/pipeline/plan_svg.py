"""A plan as a picture: what is seen and heard when, and which steps make it, the cached ones marked. SVG, light and dark."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

from renderowl.pipeline.lanes import head, lay_out, tail
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.timeline import (
    AudioClip,
    CaptionContent,
    Clip,
    ImageContent,
    TextContent,
    VideoContent,
)

_WIDTH: Final = 1200
_LEFT: Final = 104
_SPAN: Final = _WIDTH - _LEFT - 24
_LANES_TOP: Final = 86
_MOST_LANES: Final = 40
"""Of each kind: who stacks more clips than that sees from forty what is going on."""
_ROOM: Final = 420
"""Pixels that the lanes of a kind may take together before they become lower."""
_TALLEST: Final = 26
_LOWEST: Final = 6
_LABELLED: Final = 11
"""A lane's height, and from which height on what is in it is named."""
_NARROW: Final = 2.0
"""Clips narrower than these pixels and nearer than these to each other are drawn as one."""
_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_TICKS: Final = 12
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SAID_CHARS: Final = 200

_STYLE: Final = """
.ground{fill:#ffffff}.ink{fill:#1b2a49}.soft{fill:#5a6780}.grid{stroke:#e3e7ee}.edge{stroke:#ffffff}
.video{fill:#a9c9f0}.image{fill:#a5d8cf}.color,.shape{fill:#d3d8e2}.text{fill:#f6d79b}.caption{fill:#f3c2a4}
.highlight{fill:#d6c1ef}.audio{fill:#bcdca6}.todo{fill:#f0b27a}.cached{fill:#cfd6e0}.hatch{stroke:#8996ab}
@media (prefers-color-scheme:dark){
.ground{fill:#12161f}.ink{fill:#e8ecf4}.soft{fill:#9aa6bb}.grid{stroke:#262d3b}.edge{stroke:#12161f}
.video{fill:#2b578c}.image{fill:#1f6b61}.color,.shape{fill:#4a5263}.text{fill:#7d5d17}.caption{fill:#86492a}
.highlight{fill:#5d4380}.audio{fill:#44692f}.todo{fill:#a35a17}.cached{fill:#333c4d}.hatch{stroke:#66738a}}
"""
_HATCH: Final = (
    '<pattern id="renderowl-cached" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="cached" width="7" height="7"/><path class="hatch" d="M0 0V7" stroke-width="2"/></pattern>'
)


def plan_svg(plan: Plan, cached: Collection[str] = ()) -> str:
    """Return the picture of a plan whose steps with these keys need not be done again."""
    return _Picture(plan, cached).text()


class _Picture:
    """The picture as it grows downwards."""

    def __init__(self, plan: Plan, cached: Collection[str]) -> None:
        self._plan, self._cached = plan, cached
        self._rate, self._frames = plan.timeline.canvas.rate, plan.timeline.canvas.frames
        self._y = float(_LANES_TOP)
        self._body: list[str] = []

    def text(self) -> str:
        """Return the whole document."""
        clips = self._plan.timeline.clips
        self._lanes("text", [clip for clip in clips if isinstance(clip.content, TextContent | CaptionContent)])
        self._lanes("picture", [clip for clip in clips if not isinstance(clip.content, TextContent | CaptionContent)])
        self._lanes("sound", self._plan.timeline.audio)
        self._steps()
        bottom = self._y
        self._legend()
        size = f'width="{_WIDTH}" height="{self._y:.0f}" viewBox="0 0 {_WIDTH} {self._y:.0f}"'
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="12">',
            f"<title>{_xml(self._headline())}</title><style>{_STYLE}</style><defs>{_HATCH}</defs>",
            f'<rect class="ground" width="{_WIDTH}" height="{self._y:.0f}"/>',
            *self._ruler(bottom),
            _write(16, 26, self._headline(), size=15, weight="bold"),
            _write(16, 46, self._facts(), role="soft"),
        ]
        return "\n".join([*head, *self._body, "</svg>"]) + "\n"

    # --- what stands above ----------------------------------------------------------------------------------------

    def _headline(self) -> str:
        canvas, length_s = self._plan.timeline.canvas, self._seconds(self._frames)
        return f"{self._plan.output_name}: {canvas.width}x{canvas.height}, {_clock(length_s, 2)}"

    def _facts(self) -> str:
        rate, segments = self._rate, self._plan.segments
        there = sum(segment.key in self._cached for segment in segments)
        clips = len(self._plan.timeline.clips) + len(self._plan.timeline.audio)
        found = f", {there} of them cached" if there else ""
        return (
            f"{rate.num / rate.den:g} fps, {self._frames:,} frames; {_count(clips, 'clip')}; "
            f"{_count(len(segments), 'segment')}{found}"
        )

    def _ruler(self, bottom: float) -> Iterator[str]:
        length_s = self._seconds(self._frames)
        step = next((step for step in _STEPS_S if length_s / step <= _MOST_TICKS), 3600 * (1 + length_s // 36_000))
        digits = 1 if step < 1 else 0
        for n in range(int(length_s / step) + 1):
            x = _LEFT + n * step / length_s * _SPAN
            yield f'<line class="grid" x1="{x:.1f}" y1="{_LANES_TOP - 10}" x2="{x:.1f}" y2="{bottom:.0f}"/>'
            yield _write(x, _LANES_TOP - 15, _clock(n * step, digits), role="soft", anchor="middle")

    # --- clips ----------------------------------------------------------------------------------------------------

    def _lanes(self, name: str, clips: Sequence[Clip | AudioClip]) -> None:
        """Draw the clips of one kind, what is drawn last on top."""
        lanes, left_out = lay_out(clips, _MOST_LANES)
        if not lanes:
            return
        height = max(_LOWEST, min(_TALLEST, _ROOM / len(lanes)))
        self._say(name, _TALLEST)
        for lane in lanes if name == "sound" else reversed(lanes):
            for group in self._groups(lane):
                self._body.append(self._clip(group, height))
            self._y += height + 2
        if left_out:
            self._body.append(_write(_LEFT, self._y + 12, f"and {_count(left_out, 'clip')} more", role="soft"))
            self._y += 18
        self._y += 10

    def _groups(self, lane: Sequence[Clip | AudioClip]) -> Iterator[list[Clip | AudioClip]]:
        """Yield the clips of a lane, those too narrow to be told apart together."""
        group: list[Clip | AudioClip] = []
        for clip in lane:
            narrow = clip.frames * _SPAN / self._frames < _NARROW
            near = bool(group) and self._x(clip.start) - self._x(group[-1].start + group[-1].frames) < _NARROW
            if not (narrow and near):
                if group:
                    yield group
                group = []
            group.append(clip)
            if not narrow:
                yield group
                group = []
        if group:
            yield group

    def _clip(self, group: list[Clip | AudioClip], height: float) -> str:
        first, last = group[0], group[-1]
        start, end = max(0, first.start), min(self._frames, last.start + last.frames)
        left, right, y = self._x(start), max(self._x(end), self._x(start) + 0.8), self._y
        rise, fall = (fade * _SPAN / self._frames for fade in (head(first), tail(last)))
        kind, label = _kind(first), _label(first)
        corners = (left, y + height), (left + rise, y), (right - fall, y), (right, y + height)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        when = f"{_clock(self._seconds(start), 2)} to {_clock(self._seconds(end), 2)}, frames {start} to {end}"
        told = f"{kind}: {label}\n{when}" if len(group) == 1 else f"{len(group)} clips\n{when}"
        shape = (
            f'<polygon class="{kind} edge" fill-opacity="0.9" points="{points}"><title>{_xml(told)}</title></polygon>'
        )
        return shape + _inside(label if len(group) == 1 else "", left + rise, y, right - fall - left - rise, height)

    # --- steps ----------------------------------------------------------------------------------------------------

    def _steps(self) -> None:
        first = {segment.key for segment in self._plan.segments}
        for film in self._plan.films:
            segments = [one for one in film.segments if film is self._plan or one.key not in first]
            if film is not self._plan and segments:
                self._body.append(_write(_LEFT, self._y + 10, f"further: {film.output_name}", role="soft"))
                self._y += 16
            self._row("segments", [(str(one.index), one.start, one.frames, one.key) for one in segments])
        for film, audio in self._plan.sounds_once.values():
            self._row("sound track", [(film.output_name, 0, audio.frames, audio.key)])

    def _row(self, name: str, steps: Sequence[tuple[str, int, int, str]]) -> None:
        """Draw steps beside each other: label, first frame, frames, key."""
        if not steps:
            return
        self._say(name, _TALLEST)
        for step in steps:
            self._step(*step)
        self._y += _TALLEST + 4

    def _step(self, label: str, start: int, frames: int, key: str) -> None:
        left, right, y = self._x(start), self._x(start + frames), self._y
        there = key in self._cached
        fill = 'fill="url(#renderowl-cached)"' if there else ""
        kind = "edge" if there else "todo edge"
        state = "cached" if there else "to be rendered"
        told = f"{label}: {state}\nframes {start} to {start + frames}, {_clock(self._seconds(frames), 2)}\n{key[:16]}"
        self._body.append(
            f'<rect class="{kind}" {fill} x="{left:.1f}" y="{y:.1f}" width="{max(right - left, 0.5):.1f}" '
            f'height="{_TALLEST}"><title>{_xml(told)}</title></rect>'
        )
        if not there:
            self._body.append(_inside(label, left, y, right - left, _TALLEST))

    def _legend(self) -> None:
        self._y += 26
        line = self._plan.timeline
        kinds = sorted({*map(_kind, line.clips), *map(_kind, line.audio)})
        x = float(_LEFT)
        for kind, label in [*((kind, kind) for kind in kinds), ("todo", "to be rendered"), ("", "cached")]:
            look = f'class="{kind}"' if kind else 'fill="url(#renderowl-cached)"'
            self._body.append(f'<rect {look} x="{x:.1f}" y="{self._y - 11:.1f}" width="14" height="14"/>')
            self._body.append(_write(x + 20, self._y, label, role="soft"))
            x += 44 + 7 * len(label)
        self._y += 20

    def _say(self, name: str, height: float) -> None:
        self._body.append(_write(_LEFT - 12, self._y + height / 2 + 4, name, role="soft", anchor="end"))

    def _x(self, frame: int) -> float:
        return _LEFT + frame / self._frames * _SPAN

    def _seconds(self, frame: int) -> float:
        return frame * self._rate.den / self._rate.num


def _kind(clip: Clip | AudioClip) -> str:
    return "audio" if isinstance(clip, AudioClip) else str(clip.content.__struct_config__.tag)


def _label(clip: Clip | AudioClip) -> str:
    match clip:
        case Clip(content=TextContent(text=text) | CaptionContent(text=text)):
            return " ".join(text.split())
        case Clip(content=VideoContent(src=src) | ImageContent(src=src)) | AudioClip(src=src):
            return f"{clip.id} {src}"
        case _:
            return clip.id


def _inside(label: str, x: float, y: float, width: float, height: float) -> str:
    """Return a label that keeps within its box, or nothing when too little of it would be seen."""
    shown = _shortened(label, (width - 8) / 6)
    if height < _LABELLED or not shown:
        return ""
    box = f'<svg x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'  # clips what is wider than guessed
    return f"{box}{_write(5, height / 2 + 4, shown, size=min(11, int(height) - 2))}</svg>"


def _shortened(text: str, room: float) -> str:
    """Return as much of a text as fits into so many letters, those of East Asia counted twice."""
    used = 0
    for index, letter in enumerate(text[:_SAID_CHARS]):
        used += 2 if east_asian_width(letter) in "WF" else 1
        if used > room:
            return f"{text[: index - 1]}…" if index > 4 else ""
    return text[:_SAID_CHARS]


def _write(
    x: float, y: float, text: str, *, role: str = "ink", anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    look = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}" {look}>{_xml(text)}</text>'


def _xml(text: str) -> str:
    """Return a caller's text as XML may hold it."""
    return escape(_NOT_XML.sub("�", text[:_SAID_CHARS]))


def _clock(seconds: float, digits: int) -> str:
    """Return a time as people say it: 7.5 s, 1:05, 1:00:00."""
    if seconds < 60:
        return f"{seconds:.{digits}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
