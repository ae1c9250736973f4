"""A library as one SQLite file: the tables that source editors keep, written and read without trusting what is in them.

The file has the tables and columns of such an editor's `database.sqlite`, `projects` among them, so that either side can
open the other's. Ids are texts of ours or the whole numbers of an editor.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl.domain.errors import FieldError, MediaUnreadable, ValidationFailed
from renderowl.domain.library import KINDS, Kind
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.reading import MAX_ERRORS, read, shown
from renderowl.storage.keys import check_given_key

MAX_ROWS: Final = 100_000
"""Of one table."""
MAX_VALUE_BYTES: Final = 4 * 1024**2
MAX_TEXT_CHARS: Final = 64 * 1024**2
"""Of one table's values together: rows of a forged file may share what they are stored in."""
_STEPS: Final = 1000
_MAX_TICKS: Final = 500_000
"""So many thousand instructions of SQLite's machine may reading a file take."""

_PROJECTS: Final = "projects"
_JSON: Final = frozenset({"tags", "crop_keyframes"})
_TRUTHS: Final = frozenset({"is_exported"})
_TIMES: Final = ("created_at", "updated_at")
_TABLES: Final[dict[str, tuple[str, ...]]] = {_PROJECTS: ("name",), **{kind.name: kind.fields for kind in KINDS}}


class Row(msgspec.Struct, frozen=True):
    """An item as the file has it: `id` is whatever the file calls it by, parents by the file's ids."""

    id: str
    values: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Contents(msgspec.Struct, frozen=True):
    """What a file holds: items by their kind, and the names of projects by the file's ids."""

    items: dict[str, list[Row]]
    projects: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many items there are of each kind."""
        return {kind.name: len(self.items[kind.name]) for kind in KINDS}


# --- writing -----------------------------------------------------------------------------------------------------


class Writer:
    """A file in the making."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("BEGIN")
        for table, columns in _TABLES.items():
            self._connection.execute(
                f"CREATE TABLE {table} (id TEXT PRIMARY KEY, {', '.join(columns)}, created_at TEXT, updated_at TEXT)"
            )

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows with the names of the columns."""
        columns = ("id", *_TABLES[table], *_TIMES)
        marks = ", ".join("?" for _ in columns)
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
            [[_to_sqlite(row.get(column)) for column in columns] for row in rows],
        )

    def close(self) -> None:
        """Finish the file."""
        self._connection.execute("COMMIT")
        self._connection.close()


def _to_sqlite(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value


# --- reading -----------------------------------------------------------------------------------------------------


def read_file(path: Path) -> Contents:
    """What a file holds. Raises ValidationFailed with every problem, MediaUnreadable when it is no SQLite file."""
    problems: list[FieldError] = []
    items: dict[str, list[Row]] = {}
    try:
        with contextlib.closing(_open(path)) as connection:
            columns = _columns(connection, problems)
            names = {
                str(row["id"]): str(row.get("name") or row["id"])[:200]
                for row in _rows(connection, _PROJECTS, columns.get(_PROJECTS), problems)
            }
            for kind in KINDS:
                found = _rows(connection, kind.name, columns.get(kind.name), problems)
                items[kind.name] = [
                    row for index, values in enumerate(found) if (row := _row(kind, index, values, problems))
                ]
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise MediaUnreadable(f"this is no SQLite file of a library: {error}") from None
    contents = Contents(items, names)
    _check_parents(contents, problems)
    if problems:
        raise ValidationFailed(errors=problems[:MAX_ERRORS])
    return contents


def _open(path: Path) -> sqlite3.Connection:
    """Whoever made the file, it runs nothing here: no trigger, view, function or pragma of it, and not for ever."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    ticks = iter(range(_MAX_TICKS))
    connection.set_progress_handler(lambda: next(ticks, None) is None, _STEPS)
    connection.set_authorizer(_authorize)
    connection.row_factory = sqlite3.Row
    return connection


def _authorize(action: int, what: str | None, *_: object) -> int:
    plain = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
    return (
        sqlite3.SQLITE_OK if plain or (action, what) == (sqlite3.SQLITE_PRAGMA, "table_xinfo") else sqlite3.SQLITE_DENY
    )


def _columns(connection: sqlite3.Connection, problems: list[FieldError]) -> dict[str, set[str]]:
    """The columns that the file's tables have, of those that are known."""
    master = connection.execute("SELECT name, type, rootpage FROM sqlite_master")
    # views and virtual tables, which run code when they are read, have no page of their own
    kinds = {row["name"].lower(): row["type"] if row["rootpage"] else "virtual one" for row in master}
    found: dict[str, set[str]] = {}
    for table in _TABLES:
        if table not in kinds:
            continue
        if kinds[table] != "table":
            problems.append(FieldError(f"/{table}", f"must be a plain table and is a {shown(str(kinds[table]))}"))
            continue
        columns = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
        problems += [
            FieldError(f"/{table}/{shown(column['name'])}", "must not be computed")
            for column in columns
            if column["hidden"]
        ]
        found[table] = {column["name"].lower() for column in columns if not column["hidden"]}
        if "id" not in found[table]:
            problems.append(FieldError(f"/{table}/id", "is required"))
            del found[table]
    if not found and not problems:
        problems.append(FieldError("", f"has none of the tables {', '.join(_TABLES)}"))
    return found


def _rows(
    connection: sqlite3.Connection, table: str, columns: set[str] | None, problems: list[FieldError]
) -> Iterator[dict[str, Any]]:
    if columns is None:
        return
    wanted = [name for name in ("id", *_TABLES[table], *_TIMES) if name in columns]
    seen: set[str] = set()
    chars = 0
    cursor = connection.execute(f"SELECT {', '.join(wanted)} FROM {table} LIMIT {MAX_ROWS + 1}")
    for index, row in enumerate(cursor):
        values = dict(zip(wanted, row, strict=True))
        chars += sum(len(value) for value in values.values() if isinstance(value, str | bytes))
        if index == MAX_ROWS or chars > MAX_TEXT_CHARS or len(problems) > MAX_ERRORS:
            problems.append(FieldError(f"/{table}", f"is read as far as row {index} only: there is too much of it"))
            return
        if not isinstance(values["id"], str | int) or str(values["id"]) in seen:
            problems.append(FieldError(f"/{table}/{index}/id", "must be a whole number or a text, and no other row's"))
        seen.add(str(values["id"]))
        yield values


def _row(kind: Kind[Any, Any], index: int, values: dict[str, Any], problems: list[FieldError]) -> Row | None:
    at = f"/{kind.name}/{index}"
    times = [_time(values.pop(name, None), f"{at}/{name}", problems) for name in _TIMES]
    item_id = str(values.pop("id"))
    document = {name: _from_sqlite(name, value, at, problems) for name, value in values.items()}
    for parent in kind.parents:
        if isinstance(document.get(parent), int):
            document[parent] = str(document[parent])
    reading = read(document, kind.new, at=at)
    problems += reading.errors
    if not isinstance(reading.value, Spec):
        return None
    problems += [FieldError(at + field, why) for field, why in path_problems(reading.value)]
    created_at = times[0] or datetime.now(UTC)
    return Row(item_id, msgspec.to_builtins(reading.value), created_at, times[1] or created_at)


def _from_sqlite(name: str, value: Any, at: str, problems: list[FieldError]) -> Any:
    if name in _JSON and isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            problems.append(FieldError(f"{at}/{name}", "is not JSON"))
            return None
    if name in _TRUTHS and value in (0, 1):
        return bool(value)
    if isinstance(value, bytes):
        problems.append(FieldError(f"{at}/{name}", "must not be a blob"))
        return None
    return value


def _time(value: Any, at: str, problems: list[FieldError]) -> datetime | None:
    """A moment, in UTC where it says nothing else, as SQLite's `datetime('now')` does."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        problems.append(FieldError(at, "must be a time such as 2026-05-17 18:30:00"))
        return None


def path_problems(item: Spec) -> Iterator[tuple[str, str]]:
    """The fields of an item that name files by keys that are none, with what is wrong."""
    for name, value in msgspec.structs.asdict(item).items():
        if name.endswith("_path") and isinstance(value, str):
            try:
                check_given_key(value)
            except ValueError as error:
                yield f"/{name}", str(error)


def _check_parents(contents: Contents, problems: list[FieldError]) -> None:
    known = {name: {row.id for row in rows} for name, rows in contents.items.items()}
    for kind in KINDS:
        for index, row in enumerate(contents.items[kind.name]):
            for field, table in kind.parents.items():
                parent = row.values[field]
                if table != _PROJECTS and parent is not None and parent not in known[table]:
                    problems.append(FieldError(f"/{kind.name}/{index}/{field}", f"names no row of {table}"))
