"""1,000 members come back after the API was restarted, killed or drained, and get what they missed.

While the API is away, events happen in every room. A member is back when it has been welcomed, and the round is over
when every member has every event once and in order. Members return as `renderowl.client` does: after 1012 within 5 s,
else after a backoff. Queries are those that Postgres logs of the API, which has a role of its own here.
"""

import argparse
import asyncio
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import paths  # noqa: F401 - makes bench/ importable
from crowd import Crowd, Story, crowd
from house import House, house
from results import median, save

GOAL_S: Final = 10.0
ROOMS: Final = 200
MEMBERS: Final = 5
MISSED: Final = 3
_PATIENCE_S: Final = 120.0
_ROLE: Final = "bench_api"
_LOGGED: Final = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)")
_HOUSEKEEPING: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SET", "RESET", "SELECT pg_advisory_unlock_all()", "SAVEPOINT")


class Log:
    """What Postgres logs of the API's statements."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since = 0

    def begin(self) -> None:
        """Count from here."""
        self._since = self._path.stat().st_size

    def statements(self) -> list[str]:
        """The first line of each."""
        with self._path.open(errors="replace") as file:
            file.seek(self._since)
            return [found[1].strip() for line in file if (found := _LOGGED.search(line))]


async def watch_queries(home: House) -> Log:
    """Let the API's next process connect with a role whose statements are logged."""
    name = _ROLE
    await home.ctx.db.execute(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{name}'")
    await home.ctx.db.execute(f"ALTER ROLE {name} SET log_statement = 'all'")
    url = home.environment["RENDEROWL_DATABASE_URL"]
    home.environment["RENDEROWL_DATABASE_URL"] = re.sub(r"//[^@]*@", f"//{name}:{name}@", url)
    await home.stop()
    await home.start()
    return Log(home.log.parent / "postgres" / "postgres.log")


async def until_told(members: Crowd, rooms: dict[str, int], began: float) -> list[Story]:
    """The stories, once every member has come back and heard up to its room's last event."""
    deadline = time.time() + _PATIENCE_S
    while True:
        stories = await members.stories()
        if all(story.back_at > began and story.seqs[-1] >= rooms[story.path] for story in stories):
            return stories
        assert time.time() < deadline, "members did not come back"
        await asyncio.sleep(0.1)


def check(stories: list[Story]) -> None:
    """Every event once and in order."""
    for story in stories:
        assert story.seqs == list(range(story.seqs[0], story.seqs[-1] + 1)), f"{story.path} heard {story.seqs}"


async def restart(home: House, rooms: list[str], members: Crowd, log: Log, way: str) -> dict[str, Any]:
    """One round."""
    tops: dict[str, int] = {}

    async def happen_everywhere() -> None:
        for room in rooms:
            event = await home.happen(room, {"status": "queued"})
            tops[f"/ws/projects/{room}/renders"] = event.seq

    await happen_everywhere()
    before = sum(story.attempts for story in await until_told(members, tops, 0))
    log.begin()
    began = time.time()
    if way == "killed":
        home.kill()
    else:
        await home.stop()
    gone_s = time.time() - began
    for _ in range(MISSED):
        await happen_everywhere()
    started = time.time()
    await home.start()
    ready_s = time.time() - started
    stories = await until_told(members, tops, began)
    check(stories)
    last_back = max(story.back_at for story in stories)
    statements = log.statements()
    queries = Counter(text for text in statements if not text.startswith(_HOUSEKEEPING))
    found = {
        "way": way,
        "gone_s": round(gone_s, 2),
        "start_s": round(ready_s, 2),
        "back_after_start_s": round(last_back - started, 2),
        "back_after_ready_s": round(last_back - started - ready_s, 2),
        "attempts": sum(story.attempts for story in stories) - before,
        "recovered": sum(story.recovered for story in stories),
        "queries": sum(queries.values()),
        "other_statements": len(statements) - sum(queries.values()),
        "queries_by_text": {text[:120]: count for text, count in queries.most_common(8)},
    }
    print(f"  {found}", flush=True)
    return found


async def measure(rounds: int) -> None:
    async with house() as home, crowd() as members:
        log = await watch_queries(home)
        rooms = await home.open_rooms(ROOMS)
        everybody = [home.member(room, returns=True) for _ in range(MEMBERS) for room in rooms]
        await members.connect(everybody, at_once=64)
        done = []
        for n in range(rounds):
            for way in ("killed", "drained"):
                print(f"{way}, round {n + 1} of {rounds}", flush=True)
                done.append(await restart(home, rooms, members, log, way))
        await members.leave()
    assert all(each["recovered"] == ROOMS * MEMBERS for each in done), "somebody got a snapshot"
    by_way = {way: [each for each in done if each["way"] == way] for way in ("killed", "drained")}
    save(
        "rooms_reconnect",
        title=f"{ROOMS * MEMBERS:,} members back after a restart of the API",
        goal=GOAL_S,
        result=max(each["back_after_start_s"] for each in done),
        unit="s",
        meaning=f"{ROOMS} rooms of {MEMBERS}, {MISSED} events missed in each; from starting the new process to the last "
        "member's welcome, the slowest of all rounds, killed or drained; every event arrived once and in order",
        median_s={way: median([each["back_after_start_s"] for each in all]) for way, all in by_way.items()},
        rounds=done,
    )
    save(
        "rooms_reconnect_queries",
        title=f"Database queries while {ROOMS * MEMBERS:,} members come back to {ROOMS} rooms",
        goal=ROOMS,
        result=max(each["queries"] for each in done),
        unit="queries",
        meaning="statements of the API in Postgres's log from the end of the old process until every member has what it "
        "missed, BEGIN, COMMIT and the pool's resets not counted; the most of all rounds",
        rounds=[{"way": each["way"], "queries": each["queries"]} for each in done],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(measure(parser.parse_args().rounds))
