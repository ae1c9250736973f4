"""File names in scenes: which of a project's assets each means."""

from collections.abc import Callable, Iterator

import msgspec

from renderowl.domain.errors import AssetNotFound, FieldError
from renderowl.domain.ids import is_id
from renderowl.domain.records import Principal
from renderowl.domain.spec.slideshow import SlideshowSpec
from renderowl.services import receiving
from renderowl.services.context import Context

_Named = tuple[str, str, str]
"""Where a source is named, the source, and the folder that a bare name lies in."""


async def with_sources(ctx: Context, principal: Principal, project_id: str, spec: SlideshowSpec) -> SlideshowSpec:
    """The spec with sources in place of file names: the project's newest asset of that name.

    Raises AssetNotFound naming every file that is not there.
    """
    named = [one for one in _sources(spec) if "://" not in one[1]]
    wanted = {path for _, src, folder in named for path in _paths(src, folder)}
    found = await receiving.named(ctx, principal, project_id, wanted)
    sources: dict[tuple[str, str], str] = {}
    missing: list[FieldError] = []
    for at, src, folder in named:
        asset = next((found[path] for path in _paths(src, folder) if path in found), None)
        if asset is None and not is_id(src, "ast"):
            missing.append(FieldError(at, f"there is no file {_paths(src, folder)[0]!r} in this project"))
        sources[src, folder] = f"asset://{src if asset is None else asset.id}"
    if missing:
        raise AssetNotFound(errors=missing)
    return _replaced(spec, lambda src, folder: sources.get((src, folder), src))


def _sources(spec: SlideshowSpec) -> Iterator[_Named]:
    for index, scene in enumerate(spec.scenes):
        for number, src in enumerate(scene.images):
            yield f"/scenes/{index}/images/{number}", src, "images"
        if scene.voiceover:
            yield f"/scenes/{index}/voiceover", scene.voiceover, spec.render_options.voice_dir
    if spec.render_options.music:
        yield "/renderOptions/music", spec.render_options.music, "voiceovers"


def _replaced(spec: SlideshowSpec, source_of: Callable[[str, str], str]) -> SlideshowSpec:
    options = spec.render_options
    scenes = tuple(
        msgspec.structs.replace(
            scene,
            images=tuple(source_of(src, "images") for src in scene.images),
            voiceover=scene.voiceover and source_of(scene.voiceover, options.voice_dir),
        )
        for scene in spec.scenes
    )
    music = options.music and source_of(options.music, "voiceovers")
    return msgspec.structs.replace(spec, scenes=scenes, render_options=msgspec.structs.replace(options, music=music))


def _paths(src: str, folder: str) -> list[str]:
    """What an asset may be called that a scene calls so: a bare name lies in its folder, or was uploaded without one."""
    path = src.removeprefix("./").removeprefix("input/")
    return [path] if "/" in path or not folder else [f"{folder}/{path}", path]
