"""The library: what an editor of matches keeps beside its renders, in five kinds of items, each its owner's.

The words are those of the SQLite files that such editors keep (`services/library_file.py`): seconds are floats, frames
whole numbers, a `..._path` is a key of the owner's own, as files are uploaded under.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from renderowl.domain.ids import Prefix
from renderowl.domain.spec.fields import Color, FrameRate, Length, Name, Pixels, Problem, Spec, Time, Unit
from renderowl.domain.spec.framing import CropKeyframe
from renderowl.domain.spec.overlay import Frame, Place, Radius

KindName = Literal["games", "raw_clips", "working_clips", "highlight_regions", "final_videos"]
Path = Annotated[str, Meta(min_length=1, max_length=1024, examples=["games/final.mp4"])]
Word = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Game(Spec, frozen=True, kw_only=True):
    """A match and its recording."""

    name: Annotated[Name, Meta(examples=["Tigers against Lions"])]
    video_path: Path | None = None
    thumbnail_path: Path | None = None
    duration: Length | None = None
    fps: FrameRate | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    opponent_name: Word | None = None
    game_date: Annotated[str, Meta(max_length=40, examples=["2026-05-17"])] | None = None
    game_type: Word = "away"
    tournament_name: Word | None = None


class RawClip(Spec, frozen=True, kw_only=True):
    """A moment of a match, with what was noted about it."""

    game_id: Id
    video_path: Path
    start_time: Time
    end_time: Length
    rating: Annotated[int, Meta(ge=1, le=5)] = 3
    tags: Annotated[tuple[Word, ...], Meta(max_length=50)] = ()
    notes: Annotated[str, Meta(max_length=10_000)] | None = None
    thumbnail_path: Path | None = None

    def problems(self) -> Iterator[Problem]:
        if self.end_time <= self.start_time:
            yield "/end_time", "must be later than start_time"


class WorkingClip(Spec, frozen=True, kw_only=True):
    """A raw clip as a project uses it."""

    project_id: Id
    raw_clip_id: Id
    clip_index: Annotated[int, Meta(ge=0, le=1_000_000)]
    crop_keyframes: Annotated[tuple[CropKeyframe, ...], Meta(max_length=5000)] = ()
    is_exported: bool = False
    exported_path: Path | None = None


class HighlightRegion(Spec, frozen=True, kw_only=True):
    """An ellipse that points something out in a project's film."""

    project_id: Id
    start_frame: Frame
    end_frame: Frame
    x: Place
    y: Place
    radius_x: Radius
    radius_y: Radius
    opacity: Unit = 1.0
    color: Color = "#ffffff"

    def problems(self) -> Iterator[Problem]:
        if self.end_frame <= self.start_frame:
            yield "/end_frame", "must be later than start_frame"


class FinalVideo(Spec, frozen=True, kw_only=True):
    """A finished film. It outlives the project and the game it was made of."""

    project_id: Id | None = None
    game_id: Id | None = None
    name: Name
    video_path: Path
    thumbnail_path: Path | None = None
    source_type: Annotated[str, Meta(min_length=1, max_length=200, examples=["overlay"])]
    duration: Length | None = None
    file_size: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class StoredGame(Game, frozen=True, kw_only=True):
    """A game that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class StoredRawClip(RawClip, frozen=True, kw_only=True):
    """A raw clip that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class StoredWorkingClip(WorkingClip, frozen=True, kw_only=True):
    """A working clip that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class StoredHighlightRegion(HighlightRegion, frozen=True, kw_only=True):
    """A highlight region that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class StoredFinalVideo(FinalVideo, frozen=True, kw_only=True):
    """A final video that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


New = TypeVar("New", bound=Spec)
Stored = TypeVar("Stored", bound=Spec)


class Kind(msgspec.Struct, Generic[New, Stored], frozen=True, kw_only=True):
    """A kind of items: its table's name, what one looks like and what it hangs on (field -> table)."""

    name: KindName
    one: str
    prefix: Prefix
    new: type[New]
    stored: type[Stored]
    parents: dict[str, str] = {}

    @property
    def fields(self) -> tuple[str, ...]:
        """What its owner says of an item."""
        return tuple(name for name in self.new.__struct_fields__)


GAMES: Final = Kind(name="games", one="game", prefix="gam", new=Game, stored=StoredGame)
RAW_CLIPS: Final = Kind(
    name="raw_clips", one="raw clip", prefix="rcl", new=RawClip, stored=StoredRawClip, parents={"game_id": "games"}
)
WORKING_CLIPS: Final = Kind(
    name="working_clips",
    one="working clip",
    prefix="wcl",
    new=WorkingClip,
    stored=StoredWorkingClip,
    parents={"project_id": "projects", "raw_clip_id": "raw_clips"},
)
HIGHLIGHT_REGIONS: Final = Kind(
    name="highlight_regions",
    one="highlight region",
    prefix="hlr",
    new=HighlightRegion,
    stored=StoredHighlightRegion,
    parents={"project_id": "projects"},
)
FINAL_VIDEOS: Final = Kind(
    name="final_videos",
    one="final video",
    prefix="fvd",
    new=FinalVideo,
    stored=StoredFinalVideo,
    parents={"project_id": "projects", "game_id": "games"},
)

KINDS: Final[tuple[Kind[Any, Any], ...]] = (GAMES, RAW_CLIPS, WORKING_CLIPS, HIGHLIGHT_REGIONS, FINAL_VIDEOS)
"""Every kind, parents first."""
