"""A spec file rendered by a server: its files uploaded, the film fetched, again whenever one of them changes."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

import msgspec
import rich_click as click

from renderowl.cli.spec_file import LIMITS, SpecFile, read_spec
from renderowl.cli.telling import told
from renderowl.client import Client, Problem
from renderowl.domain.errors import FieldError, RenderOwlError, ValidationFailed
from renderowl.domain.events import Progress
from renderowl.pipeline import compositions
from renderowl.pipeline.render_file import RenderProgress

_LOOK_S: Final = 0.25
_LEFT: Final = ("asset://", "http://", "https://")

Stamp = dict[Path, tuple[int, int] | None]
"""A file's size and time of change; None for one that is not there."""


class Bar(Protocol):
    """Shows how far a render is."""

    def show(self, progress: RenderProgress) -> None:
        """Draw it."""
        ...


class RenderThere:
    """Renders one spec file in one project, any number of times; a file that has not changed is uploaded once."""

    def __init__(self, client: Client, project_id: str, spec_file: Path, output: Path | None) -> None:
        self._client = client
        self.project_id = project_id
        self._spec_file = spec_file
        self._output = output
        self._uploaded: dict[Path, tuple[tuple[int, int] | None, str]] = {}

    def require(self) -> None:
        """Raise UsageError, OSError or an error of the spec unless it is in order and all its files are there."""
        local = self._local(read_spec(self._spec_file))
        lost = {src: path for src in local if not (path := self._spec_file.parent / src).is_file()}
        problems = [FieldError(place, f"there is no file {path}") for src, path in lost.items() for place in local[src]]
        if problems:
            raise ValidationFailed("the spec names files that cannot be used", errors=problems)

    async def once(self, on_progress: Callable[[Progress], object]) -> Path:
        """Upload what is new, render, and write the film. Raises Problem, UsageError, OSError, or an error of the spec."""
        spec = read_spec(self._spec_file)
        body, local = msgspec.to_builtins(spec), self._local(spec)
        for src, places in local.items():
            source = await self._asset(self._spec_file.parent / src)
            for pointer in places:
                _put(body, pointer, source)
        key = f"watch:{self._spec_file.name}"
        render = await self._client.render(self.project_id, {**body, "supersede_key": key}, on_progress=on_progress)
        assert render.output is not None
        place = self._output or Path(PurePosixPath(render.output["outputs"][0]["name"]).name)
        await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
        return await self._client.download(self.project_id, render.id, place)

    def stamp(self) -> Stamp:
        """What the film depends on, as it is now."""
        files = [self._spec_file]
        try:
            files += [self._spec_file.parent / src for src in self._local(read_spec(self._spec_file))]
        except (click.UsageError, RenderOwlError, OSError):
            files += list(self._uploaded)
        return {file: _stamp(file) for file in files}

    def _local(self, spec: SpecFile) -> Mapping[str, list[str]]:
        """The sources that are files, with the JSON pointers of the places that name them."""
        ask = compositions.parse(spec.composition_id, spec.input_props, spec.output_settings, LIMITS)
        return {src: places for src, places in compositions.sources(ask).items() if not src.startswith(_LEFT)}

    async def _asset(self, path: Path) -> str:
        now = _stamp(path)
        before, source = self._uploaded.get(path, (None, ""))
        if before != now:
            asset = await self._client.upload(self.project_id, path)
            await self._client.ready_asset(self.project_id, asset.id)
            source = f"asset://{asset.id}"
            self._uploaded[path] = now, source
        return source


async def render_there(
    server: str,
    key: str,
    project_id: str | None,
    spec_file: Path,
    output: Path | None,
    *,
    watch: bool,
    bar: Callable[[], AbstractContextManager[Bar]],
    say: Callable[[str], None],
) -> Path | None:
    """Render on a server; with `watch` for ever. Without a project, one is made. The film's place."""
    async with Client(server, key) as client:
        rendering = RenderThere(client, project_id or "", spec_file, output)
        while True:
            seen = await asyncio.to_thread(rendering.stamp)
            try:
                rendering.require()
                if not rendering.project_id:  # not before: for a mistake there would be an empty one
                    rendering.project_id = (await client.create_project(spec_file.name)).id
                    say(f"made the project {rendering.project_id}")
                with bar() as shown:
                    place = await rendering.once(lambda now: shown.show(_of(now)))
                if not watch:
                    return place
                say(f"{place}")
            except (Problem, RenderOwlError, click.UsageError, OSError) as error:
                if not watch:
                    raise
                say(_explained(error))
            while await asyncio.to_thread(rendering.stamp) == seen:  # noqa: ASYNC110 - files tell nobody
                await asyncio.sleep(_LOOK_S)


def _of(progress: Progress) -> RenderProgress:
    return RenderProgress(progress.percent, progress.eta_s, progress.stage, progress.speed or 0.0)


def _explained(error: Problem | RenderOwlError | click.UsageError | OSError) -> str:
    return told(error) if isinstance(error, RenderOwlError) else str(error)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


def _put(document: Any, pointer: str, value: str) -> None:
    """Set what a JSON pointer leads to."""
    *way, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    for part in way:
        document = document[int(part)] if isinstance(document, list) else document[part]
    document[int(last) if isinstance(document, list) else last] = value
