"""`edit_list`: the takes of a locked EDL one after the other, with the master camera's sound."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.edit_list import Camera, EditListSpec, Take
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.reading import pointer
from renderowl.pipeline.ask import PROPS, Composition, Use
from renderowl.pipeline.clock import exact, frame_at, seconds_of
from renderowl.pipeline.draft import DEFAULT_FPS, SLACK_S, Draft, clip_problems, size_problems
from renderowl.pipeline.layout import Stage, stage_of
from renderowl.pipeline.timeline import AudioClip, Chapter, Clip, Media, Timeline, VideoContent

_SIZES: Final = {
    "full_16_9": (1920, 1080),
    "short_9_16": (1080, 1920),
    "clip_1_1": (1080, 1080),
    "thumbnail": (1280, 720),
}
_PROGRAM: Final = "/edl/tracks/program"


def sources(spec: EditListSpec) -> Iterator[Use]:
    """Yield the cameras that are seen, and the master camera."""
    seen = {spec.edl.master_camera, *(take.camera for take in spec.edl.tracks.program)}
    for name, camera in spec.edl.sources.items():
        if name in seen:
            yield Use(camera.src, _camera_at(name, camera))


def defaults(spec: EditListSpec) -> dict[str, Any]:
    """Return a picture for a thumbnail, a video for all else."""
    return {"format": "jpg"} if spec.format == "thumbnail" else {}


def check(spec: EditListSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    yield from clip_problems(len(spec.edl.tracks.program), limits, _PROGRAM, "takes")
    yield from _blamed(size_problems(_stage(spec, DEFAULT_FPS, output), output, limits))


def compile(spec: EditListSpec, draft: Draft) -> Timeline:
    """Lay the takes one after the other; what lies between them in the session is left out."""
    edl = spec.edl
    names = {edl.master_camera, *(take.camera for take in edl.tracks.program)}
    media = {
        name: draft.media_of(camera.src, "video", _camera_at(name, camera))
        for name, camera in edl.sources.items()
        if name in names
    }
    for index, take in enumerate(edl.tracks.program):
        _check_take(take, f"{_PROGRAM}/{index}", edl.sources[take.camera], media[take.camera], draft)
    draft.refuse_if_failed()
    master = media[edl.master_camera]
    assert master is not None, "a missing camera was noted and refused"
    stage = _stage(spec, draft.fps_of(master), draft.output)
    begins = list(accumulate((_ms(t.end_ms - t.start_ms) for t in edl.tracks.program), initial=Fraction(0)))
    frames = draft.frames_of(stage, begins[-1], _PROGRAM)
    edges = [frame_at(time, stage.rate) for time in begins]
    _see(spec, edges, stage, draft)
    _hear(spec, edges, media, stage, draft)
    _mark(spec, begins, stage, draft)
    return draft.timeline(stage, frames)


def _stage(spec: EditListSpec, fps: float, output: OutputSettings) -> Stage:
    width, height = _SIZES[spec.format]
    return stage_of(width, height, fps, "#000000", output)


def _blamed(errors: Iterator[FieldError]) -> Iterator[FieldError]:
    """Yield problems of the canvas at `format`, the field that decides about it."""
    for error in errors:
        path = f"{PROPS}/format" if error.path.startswith(PROPS) else error.path
        yield FieldError(path, error.message)


def _ms(millis: int) -> Fraction:
    return Fraction(millis, 1000)


def _camera_at(name: str, camera: Camera) -> str:
    return f"/edl/sources{pointer(name)}/{'mezzanine_url' if camera.mezzanine_url else 'asset_id'}"


def _check_take(take: Take, at: str, camera: Camera, media: Media | None, draft: Draft) -> None:
    if media is None:
        return
    if take.start_ms < camera.offset_ms:
        draft.fail(f"{at}/start_ms", f"is before camera {take.camera} begins, at {camera.offset_ms} ms")
    ends = _ms(camera.offset_ms) + exact(media.duration_s)
    if media.duration_s and _ms(take.end_ms) > ends + SLACK_S:
        draft.fail(f"{at}/end_ms", f"is beyond the end of camera {take.camera}, at {round(ends * 1000)} ms")


def _see(spec: EditListSpec, edges: list[int], stage: Stage, draft: Draft) -> None:
    for index, (take, (start, end)) in enumerate(zip(spec.edl.tracks.program, pairwise(edges), strict=True)):
        camera = spec.edl.sources[take.camera]
        if end <= start:
            draft.fail(f"{_PROGRAM}/{index}/end_ms", "the take is shorter than one frame")
            continue
        content = VideoContent(camera.src, seconds_of(_ms(take.start_ms - camera.offset_ms)))
        draft.add(Clip(take.id or f"take{index}", start, end - start, content, stage.box))


def _hear(spec: EditListSpec, edges: list[int], media: dict[str, Media | None], stage: Stage, draft: Draft) -> None:
    """Add the master's sound, or each camera's own where it has none; takes that follow on are one sound, without a joint."""
    program, edl = spec.edl.tracks.program, spec.edl
    master = media[edl.master_camera]
    heard = [edl.master_camera if master is not None and master.has_audio else take.camera for take in program]
    first = 0
    for index, name in enumerate(heard):
        if (
            index + 1 < len(program)
            and heard[index + 1] == name
            and program[index + 1].start_ms == program[index].end_ms
        ):
            continue
        camera, found = edl.sources[name], media[name]
        late_ms = max(0, camera.offset_ms - program[first].start_ms)
        start = edges[first] + frame_at(_ms(late_ms), stage.rate)
        if found is not None and found.has_audio and start < edges[index + 1]:
            source_start = seconds_of(_ms(max(0, program[first].start_ms - camera.offset_ms)))
            sound = AudioClip(f"sound{first}", start, edges[index + 1] - start, camera.src, source_start)
            draft.add_sound(sound)
        first = index + 1


def _mark(spec: EditListSpec, begins: list[Fraction], stage: Stage, draft: Draft) -> None:
    """Add the chapters, from the session's clock to the film's."""
    marks = spec.edl.tracks.chapters
    for index, mark in enumerate(marks):
        end_ms = mark.end_ms
        if end_ms is None:
            end_ms = marks[index + 1].start_ms if index + 1 < len(marks) else spec.edl.duration_ms
        start, end = (frame_at(_film_time(spec, begins, millis), stage.rate) for millis in (mark.start_ms, end_ms))
        if start < end:
            draft.chapters.append(Chapter(start, end - start, mark.title))


def _film_time(spec: EditListSpec, begins: list[Fraction], millis: int) -> Fraction:
    """Return when in the film a time of the session is seen; for what is left out, when the next take begins."""
    for take, begin in zip(spec.edl.tracks.program, begins, strict=False):
        if millis < take.end_ms:
            return begin + _ms(max(0, millis - take.start_ms))
    return begins[-1]


COMPOSITION: Final = Composition(
    id="edit_list",
    title="Edit list",
    description="The takes of a locked edit decision list, with the master camera's sound.",
    spec=EditListSpec,
    sources=sources,
    check=check,
    compile=compile,
    defaults=defaults,
    examples=(
        {
            "sessionId": "session_1",
            "format": "short_9_16",
            "edl": {
                "status": "locked",
                "masterCamera": "A",
                "durationMs": 60000,
                "sources": {
                    "A": {"assetId": "ast_wide", "offsetMs": 0},
                    "B": {"assetId": "ast_close", "offsetMs": 350},
                },
                "tracks": {
                    "program": [
                        {"id": "t1", "startMs": 1000, "endMs": 9000, "camera": "A"},
                        {"id": "t2", "startMs": 9000, "endMs": 20000, "camera": "B"},
                    ],
                    "chapters": [{"title": "Opening", "startMs": 1000}],
                },
            },
        },
    ),
)
