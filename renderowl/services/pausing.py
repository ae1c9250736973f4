"""What operators decide about the queue: pauses of it, of a class or a project (what runs goes on), and weights."""

from collections.abc import Iterable

import msgspec

from renderowl.db import admission, pauses, projects
from renderowl.db.database import Database
from renderowl.db.pauses import Pause
from renderowl.domain.errors import NotFound
from renderowl.domain.lifecycle import PRIORITY_CLASS, Priority

EVERYTHING = "all"
_CLASS, _PROJECT = "class:", "project:"


class Paused(msgspec.Struct, frozen=True):
    """What waits now."""

    everything: bool
    classes: tuple[int, ...]
    projects: tuple[str, ...]


def scope_of(priority: Priority | None, project_id: str | None) -> str:
    """The scope of a class, of a project, or of the whole queue when neither is given."""
    if priority is not None:
        return _CLASS + priority
    return EVERYTHING if project_id is None else _PROJECT + project_id


def paused_scopes(found: Iterable[Pause]) -> Paused:
    """Pauses as what the admission asks for."""
    scopes = {pause.scope for pause in found}
    return Paused(
        everything=EVERYTHING in scopes,
        classes=tuple(number for name, number in PRIORITY_CLASS.items() if _CLASS + name in scopes),
        projects=tuple(sorted(scope.removeprefix(_PROJECT) for scope in scopes if scope.startswith(_PROJECT))),
    )


async def pause(db: Database, scope: str, reason: str) -> bool:
    """Pause a scope; False when it was paused already. Raises NotFound for a project that does not exist."""
    if scope.startswith(_PROJECT):
        await _require_project(db, scope.removeprefix(_PROJECT))
    return await pauses.put(db, scope, reason)


async def resume(db: Database, scope: str | None) -> list[str]:
    """Resume a scope, or all that are paused; returns what was. Schedulers notice with their next tick."""
    return await pauses.delete(db, scope)


async def weigh(db: Database, project_id: str, weight: float) -> None:
    """Give a project so many times the share of others, from its next step on. Raises NotFound."""
    await _require_project(db, project_id)
    await admission.set_weight(db, project_id, weight)


async def _require_project(db: Database, project_id: str) -> None:
    if await projects.get(db, project_id, owner_id=None) is None:
        raise NotFound(f"there is no project {project_id!r}")
