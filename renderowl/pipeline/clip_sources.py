"""Sources that another clip of the same timeline names: `clip://<id>` is whatever the clip of that id shows or plays."""

from typing import Any, Final

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.reading import nearest, shown
from renderowl.domain.spec.timeline import TimelineSpec

_SCHEME: Final = "clip://"


def with_clip_sources(spec: TimelineSpec) -> tuple[TimelineSpec, list[FieldError]]:
    """Put the sources of clips in the place of the `clip://` that name them; return what names none as well.

    The pointers of the errors are relative to the spec. A source that is not found stays as it is.
    """
    named: dict[str, set[str]] = {}
    for track in spec.tracks:
        for clip in track.clips:
            if clip.id is not None:
                named.setdefault(clip.id, set()).update(src for src in [_src(clip)] if src)
    errors: list[FieldError] = []
    tracks = []
    for number, track in enumerate(spec.tracks):
        clips = []
        for index, clip in enumerate(track.clips):
            src = _src(clip)
            if src.startswith(_SCHEME):
                found = named.get(src.removeprefix(_SCHEME))
                if problem := _problem(src, found, named):
                    errors.append(FieldError(f"/tracks/{number}/clips/{index}/src", problem))
                elif found:
                    changed: Any = {"src": next(iter(found))}
                    clip = msgspec.structs.replace(clip, **changed)  # noqa: PLW2901 - the same clip, with its source
            clips.append(clip)
        tracks.append(msgspec.structs.replace(track, clips=tuple(clips)))
    return msgspec.structs.replace(spec, tracks=tuple(tracks)), errors


def _src(clip: object) -> str:
    return getattr(clip, "src", None) or ""


def _problem(src: str, found: set[str] | None, named: dict[str, set[str]]) -> str:
    """Say why `src` stands for no source, or nothing."""
    id = src.removeprefix(_SCHEME)
    if found is None:
        return f'no clip has the id "{shown(id)}"{nearest(id, list(named))}'
    if not found:
        return f'the clip "{shown(id)}" has no source'
    if len(found) > 1:
        return f'several clips with different sources have the id "{shown(id)}"'
    if next(iter(found)).startswith(_SCHEME):
        return f'the clip "{shown(id)}" names another clip itself'
    return ""
