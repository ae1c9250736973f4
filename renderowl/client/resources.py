"""What the server keeps, as the client sees it. Fields this version does not know are left out."""

from datetime import datetime
from typing import Any

import msgspec

from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import AssetStatus, AssetType


class Project(msgspec.Struct, frozen=True):
    id: str
    name: str
    created_at: datetime


class Asset(msgspec.Struct, frozen=True):
    id: str
    name: str
    type: AssetType
    status: AssetStatus
    metadata: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Render(msgspec.Struct, frozen=True):
    id: str
    status: RenderStatus
    attempt: int
    progress: Progress
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    cache: dict[str, int] = {}
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
