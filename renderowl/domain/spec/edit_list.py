"""The `edit_list` composition: a locked list of cuts between the cameras of one session."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta

from renderowl.domain.spec.fields import Name, Problem, Source, Spec
from renderowl.domain.spec.reading import nearest

DAY_MS = 86_400_000

Millis = Annotated[int, Meta(ge=0, le=DAY_MS)]
Offset = Annotated[int, Meta(ge=-DAY_MS, le=DAY_MS)]
AssetId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$", extra={"looks": "the id of an asset"})]


class Camera(Spec, frozen=True, kw_only=True):
    """A recording; its first frame lies at `offset_ms` on the session's clock. A mezzanine takes the asset's place."""

    asset_id: AssetId | None = None
    mezzanine_url: Source | None = None
    offset_ms: Offset = 0

    def problems(self) -> Iterator[Problem]:
        if self.asset_id is None and self.mezzanine_url is None:
            yield "/asset_id", "is required, unless there is a mezzanine_url"

    @property
    def src(self) -> str:
        """What is cut."""
        return self.mezzanine_url or f"asset://{self.asset_id}"


class Take(Spec, frozen=True, kw_only=True):
    """What one camera sees from `start_ms` to `end_ms` of the session's clock."""

    id: Name | None = None
    start_ms: Millis
    end_ms: Millis
    camera: Name

    def problems(self) -> Iterator[Problem]:
        if self.end_ms <= self.start_ms:
            yield "/end_ms", "must be later than start_ms"


class ChapterMark(Spec, frozen=True, kw_only=True):
    """A chapter from `start_ms` of the session's clock to `end_ms`, or to the next one."""

    id: Name | None = None
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    start_ms: Millis
    end_ms: Millis | None = None

    def problems(self) -> Iterator[Problem]:
        if self.end_ms is not None and self.end_ms <= self.start_ms:
            yield "/end_ms", "must be later than start_ms"


class EdlTracks(Spec, frozen=True, kw_only=True):
    """The cuts, and chapters when there are any, each in order of time."""

    program: Annotated[tuple[Take, ...], Meta(min_length=1, max_length=5000)]
    chapters: Annotated[tuple[ChapterMark, ...], Meta(max_length=1000)] = ()

    def problems(self) -> Iterator[Problem]:
        for name, marks in (("program", self.program), ("chapters", self.chapters)):
            yield from _in_order(name, marks)


class Edl(Spec, frozen=True, kw_only=True):
    """An edit decision list. Only a locked one is rendered: what is still being edited has no film yet."""

    status: Literal["draft", "locked"]
    master_camera: Name
    duration_ms: Annotated[int, Meta(gt=0, le=DAY_MS)]
    sources: Annotated[dict[str, Camera], Meta(max_length=100)]
    tracks: EdlTracks

    def problems(self) -> Iterator[Problem]:
        if self.status != "locked":
            yield "/status", 'must be "locked": a draft is not rendered'
        known = list(self.sources)
        if self.master_camera not in self.sources:
            yield "/master_camera", f'no source is named "{self.master_camera}"{nearest(self.master_camera, known)}'
        for index, take in enumerate(self.tracks.program):
            at = f"/tracks/program/{index}"
            if take.camera not in self.sources:
                yield f"{at}/camera", f'no source is named "{take.camera}"{nearest(take.camera, known)}'
            if take.end_ms > self.duration_ms:
                yield f"{at}/end_ms", f"is beyond duration_ms, {self.duration_ms}"


class EditListSpec(Spec, frozen=True, kw_only=True):
    """The film an EDL describes, in one of its formats: what the program keeps, one take after the other."""

    session_id: Name
    format: Literal["full_16_9", "short_9_16", "clip_1_1", "thumbnail"] = "full_16_9"
    edl: Edl


def _in_order(name: str, marks: Sequence[Take | ChapterMark]) -> Iterator[Problem]:
    for index in range(1, len(marks)):
        before, mark = marks[index - 1], marks[index]
        if mark.start_ms < (before.start_ms if before.end_ms is None else before.end_ms):
            yield f"/{name}/{index}/start_ms", "is before the end of the one before it"
