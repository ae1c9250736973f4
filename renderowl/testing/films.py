"""Hand-made timelines for tests of the pipeline: a stage that collects clips and media and is filmed at once."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.font_files import probe_font
from renderowl.pipeline.plan import AudioProgramme, Encoding, Plan, Poster, Preview, Segment, make_plan
from renderowl.pipeline.probe import probe
from renderowl.pipeline.render_file import RenderProgress, render_file
from renderowl.pipeline.timeline import AudioClip, Box, Canvas, Clip, Content, Media, Rate, Subtitle, Timeline
from renderowl.pipeline.tools import Toolchain

FAST = Encoding(preset="ultrafast", crf=12, gop_frames=60)


class Stage:
    """A canvas on which clips are put; `film` renders it, cut at the given frames."""

    def __init__(
        self, tools: Toolchain, *, width: int = 320, height: int = 180, frames: int = 30, rate: Rate | None = None
    ) -> None:
        self.tools = tools
        self.canvas = Canvas(width, height, rate or Rate(30), frames, "#000000")
        self.clips: list[Clip] = []
        self.audio: list[AudioClip] = []
        self.inputs: dict[str, Path] = {}
        self.media: dict[str, Media] = {}

    @property
    def full(self) -> Box:
        """The whole canvas."""
        return Box(self.canvas.width / 2, self.canvas.height / 2, self.canvas.width, self.canvas.height)

    async def open(self, path: Path) -> str:
        """Make a file known and return its `src`."""
        src = path.name
        self.inputs[src] = path
        self.media[src] = (await probe(path, self.tools)).media(src, src)
        return src

    def put(
        self,
        content: Content,
        box: Box | None = None,
        *,
        start: int = 0,
        frames: int | None = None,
        **how: Any,
    ) -> None:
        """Put a clip on top of what is there; `how` are further fields of it."""
        length = self.canvas.frames - start if frames is None else frames
        self.clips.append(Clip(f"clip{len(self.clips)}", start, length, content, box or self.full, **how))

    def plan(
        self,
        cuts: Sequence[int] = (),
        *,
        encoding: Encoding = FAST,
        preview: bool = False,
        poster: Poster | None = None,
        subtitles: tuple[Subtitle, ...] = (),
    ) -> Plan:
        """Return the plan with segments beginning at 0 and at each of `cuts`; clips cut through begin before zero."""
        edges = [0, *cuts, self.canvas.frames]
        segments = tuple(
            Segment(
                index=index,
                start=start,
                frames=end - start,
                key=f"segment-{start}-{end}",
                canvas=msgspec.structs.replace(self.canvas, frames=end - start),
                clips=tuple(msgspec.structs.replace(clip, start=clip.start - start) for clip in self.clips),
                media=self.media,
                cost=float(end - start),
            )
            for index, (start, end) in enumerate(itertools.pairwise(edges))
        )
        canvas = self.canvas
        sound = AudioProgramme("audio", canvas.rate, canvas.frames, tuple(self.audio), self.media, 1.0)
        return Plan(
            timeline=Timeline(canvas, self.media, tuple(self.clips), tuple(self.audio)),
            encoding=encoding,
            segments=segments if encoding.format not in ("mp3", "wav") else (),
            audio=sound if self.audio else None,
            assemble_cost=1.0,
            captions="both" if subtitles else "burn",
            subtitles=subtitles,
            poster=poster,
            preview=Preview(frames=preview, interval_s=0.5),
        )

    async def film(
        self,
        out: Path,
        cuts: Sequence[int] = (),
        *,
        encoding: Encoding = FAST,
        on_progress: Callable[[RenderProgress], None] | None = None,
    ) -> OutputFile:
        """Render to `out` and return the film."""
        plan = self.plan(cuts, encoding=encoding)
        made = await render_file(plan, self.inputs, out, self.tools, on_progress=on_progress)
        return made[0]


async def composed(
    composition_id: str,
    props: Any,
    inputs: Mapping[str, Path],
    out: Path,
    tools: Toolchain,
    *,
    target_segment_s: float = 8.0,
    **output: Any,
) -> list[OutputFile]:
    """Render a composition whose sources are the files of `inputs`, by their names in the spec."""
    settings = {"preset": "ultrafast", "crf": 12, "preview": {"frames": False}, **output}
    ask = compositions.parse(composition_id, props, settings, Limits(local_files=True))
    named, own = compositions.sources(ask), compositions.font_sources(ask)
    media = {src: (await probe(inputs[src], tools)).media(src, src) for src in named if src not in own}
    fonts = {src: await probe_font(inputs[src], src) for src in own}
    plan = make_plan(
        compositions.compile(ask, media, fonts=fonts), ask.output, fingerprint="test", target_segment_s=target_segment_s
    )
    return await render_file(plan, inputs, out, tools)
