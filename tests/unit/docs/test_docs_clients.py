"""`docs/clients.md` says what the client does."""

import re
from pathlib import Path

import pytest

from renderowl.client.commands import PER_S
from renderowl.client.endings import CLOSE_FAULTS, of_close
from renderowl.client.inbox import LIMIT
from renderowl.client.ladder import ABSENCES, RUNGS, STRIKES, Fault, Timing

PAGE = " ".join((Path(__file__).parents[3] / "docs" / "clients.md").read_text().split())
DOES = {
    4400: "stops",
    4401: "asks for another token",
    4403: "stops",
    4404: "stops",
    4408: "reconnects",
    4429: "waits `retry_after_s`",
    1012: "waits 0 to 5 s, then reconnects",
    1013: "backs off",
}
TIMING = Timing()


def test_every_close_code_is_there_with_what_the_client_does() -> None:
    assert DOES.keys() == CLOSE_FAULTS.keys()
    section = PAGE.partition("## How a connection ends")[2].partition("## Commands")[0]
    for code, does in DOES.items():
        assert re.search(rf"\| [^|]*\b{code}\b[^|]* \|[^|]*\| {re.escape(does)}", section), code
        assert (does == "stops") == (of_close(code, "", None).fault is Fault.REFUSED)


def test_the_transports_are_in_order() -> None:
    assert RUNGS == ("socket", "stream", "poll")
    places = [PAGE.index(f"| {row} |") for row in ("socket", "server-sent events", "long poll")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        ("breaks twice in a row within 30 s", (STRIKES, TIMING.steady_s) == (2, 30)),
        ("nothing arrives within 5 s", TIMING.first_byte_s == 5),
        ("stays with it, three times", ABSENCES == 3),
        ("tried after 10 s, then after twice as long each time, at most every 5 minutes", TIMING.climb_s == (10, 300)),
        ("Nothing heard for 40 s", TIMING.silence_s == 40),
        ("reconnects within 5 s", TIMING.look_s == 5),
        ("0.1 s, doubled each time up to 10 s", TIMING.backoff_s == (0.1, 10)),
        ("a connection that lasted 10 s starts it anew", TIMING.backoff_s[1] == 10),
        ("waits 0 to 5 s", TIMING.deploy_s == 5),
        ("on the same connection, at most every 5 s", TIMING.refresh_s == 5),
        ("at most 15 a second", PER_S == 15),
        ("Above 1,000 waiting messages", LIMIT == 1000),
    ],
)
def test_the_figures_are_those_of_the_code(figure: str, holds: bool) -> None:
    assert figure in PAGE
    assert holds
