"""The rules of one connection, with no socket and no clock but the numbers here."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.domain.errors import Forbidden, NotFound, RateLimited, RenderOwlError, Unauthenticated, Unavailable
from renderowl.domain.events import Cursor
from renderowl.ws import frames, protocol
from renderowl.ws.protocol import Action, Authenticate, Close, Join, Perform, Protocol, Redeem, Refilter, Send

HERE = Cursor("e1", 7)


def message(**fields: Any) -> str:
    return msgspec.json.encode(fields).decode()


def fresh(*, plain: bool = False, now: float = 0.0) -> Protocol:
    return Protocol("con_1", plain=plain, now=now)


def silent(**options: Any) -> Protocol:
    """Authenticated, nothing said yet."""
    rules = fresh()
    rules.start(Authenticate("key"))
    rules.authenticated("usr_1", options.get("expires_in_s"), None, 0.0)
    return rules


def member(**options: Any) -> Protocol:
    rules = silent(**options)
    rules.receive(message(type="hello"), 0.0)
    rules.joined(HERE, True, 0.0)
    return rules


def closing(actions: Iterable[Action]) -> int:
    """The code of a close that is preceded by an error and is the last thing."""
    *before, last = actions
    assert isinstance(last, Close)
    assert [type(action.message) for action in before if isinstance(action, Send)] == [frames.Error]
    return last.code


# --- authentication ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", [Authenticate("key"), Redeem("ticket")])
def test_what_the_connection_offers_is_tried_at_once(offered: Authenticate | Redeem) -> None:
    assert list(fresh().start(offered)) == [offered]


def test_without_an_offer_the_first_message_says_who_is_calling() -> None:
    rules = fresh()
    assert not rules.start(None)
    assert list(rules.receive(message(type="auth", token="key"), 1.0)) == [Authenticate("key")]


@pytest.mark.parametrize("first", [{"type": "hello"}, {"type": "subscribe", "filter": {}}])
def test_another_first_message_is_refused(first: dict[str, Any]) -> None:
    assert closing(fresh().receive(message(**first), 1.0)) == frames.BAD_TOKEN


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unauthenticated(), 4401),
        (Forbidden(), 4403),
        (NotFound(), 4404),
        (RateLimited(), 4429),
        (Unavailable(), 1013),
    ],
)
def test_a_refusal_says_why_and_closes_with_what_to_do(error: RenderOwlError, code: int) -> None:
    rules = fresh()
    rules.start(Authenticate("key"))
    assert closing(rules.refused(error)) == code
    assert rules.closed


def test_who_does_not_authenticate_within_ten_seconds_is_closed() -> None:
    rules = fresh(now=100.0)
    assert rules.due == 110.0
    assert not rules.tick(109.9)
    assert closing(rules.tick(110.0)) == frames.TIMED_OUT


def test_who_does_not_say_hello_within_ten_seconds_is_closed() -> None:
    rules = fresh()
    rules.start(None)
    rules.receive(message(type="auth", token="key"), 8.0)
    rules.authenticated("usr_1", None, None, 9.0)
    assert not rules.tick(18.9)
    assert closing(rules.tick(19.0)) == frames.TIMED_OUT


# --- joining -------------------------------------------------------------------------------------------------------


def test_a_hello_joins_with_its_cursor_and_filter() -> None:
    rules = silent()
    hello = message(type="hello", since="e1.5", filter={"render_ids": ["rnd_1"], "types": ["preview"], "max_hz": 2})
    wanted = frames.Filter(frozenset({"rnd_1"}), frozenset({"preview"}), 2.0)
    assert list(rules.receive(hello, 1.0)) == [Join(Cursor("e1", 5), wanted)]


def test_a_cursor_that_is_none_joins_without() -> None:
    assert list(silent().receive(message(type="hello", since="rubbish"), 1.0)) == [Join(None, frames.Filter())]


def test_a_joined_member_is_welcomed() -> None:
    rules = silent()
    rules.receive(message(type="hello"), 1.0)
    [welcome] = rules.joined(HERE, False, 1.0)
    assert isinstance(welcome, Send)
    assert welcome.message == frames.Welcome("con_1", "e1", 7, False, 25, None)


def test_a_second_hello_is_refused() -> None:
    assert closing(member().receive(message(type="hello"), 1.0)) == frames.BAD_MESSAGE


def test_a_member_may_change_its_filter() -> None:
    wanted = frames.Filter(types=frozenset({"state"}))
    assert list(member().receive(message(type="subscribe", filter={"types": ["state"]}), 1.0)) == [Refilter(wanted)]


@pytest.mark.parametrize("hz", [0, -1, 1e-310, 0.099, 10.5, "5"])
def test_a_rate_above_ten_or_next_to_none_is_refused(hz: object) -> None:
    assert closing(silent().receive(message(type="hello", filter={"max_hz": hz}), 1.0)) == frames.BAD_MESSAGE


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ({"type": "render.create", "ref": "k", "data": {"a": 1}}, frames.RenderCreate("k", {"a": 1})),
        ({"type": "render.cancel", "ref": "k", "render_id": "rnd_1"}, frames.RenderCancel("k", "rnd_1")),
        ({"type": "render.retry", "ref": "k", "render_id": "rnd_1"}, frames.RenderRetry("k", "rnd_1")),
    ],
)
def test_a_member_may_give_commands_and_nobody_else(said: dict[str, Any], command: frames.Command) -> None:
    assert list(member().receive(message(**said), 1.0)) == [Perform(command)]
    assert closing(silent().receive(message(**said), 1.0)) == frames.BAD_MESSAGE
    assert closing(fresh().receive(message(**said), 1.0)) == frames.BAD_TOKEN


def test_more_than_twenty_commands_a_second_are_too_many() -> None:
    rules = member()
    retry = message(type="render.retry", ref="k", render_id="rnd_1")
    for number in range(100):
        assert isinstance(rules.receive(retry, number * 0.0625)[0], Perform)
    for _ in range(protocol.COMMANDS_PER_S):
        actions = rules.receive(retry, 7.5)
    assert isinstance(actions[0], Perform)
    assert closing(rules.receive(retry, 8.0)) == frames.TOO_MANY


# --- plain mode ----------------------------------------------------------------------------------------------------


def test_plain_members_are_in_once_authenticated_and_hear_nothing_of_the_protocol() -> None:
    rules = fresh(plain=True)
    rules.start(Authenticate("key"))
    assert list(rules.authenticated("usr_1", 30.0, None, 0.0)) == [Join(None, frames.Filter())]
    assert not rules.joined(HERE, False, 0.0)
    assert not rules.tick(54.9)
    assert closing(rules.tick(55.0)) == frames.BAD_TOKEN


# --- malformed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"type":"render.completed"}', '{"type":"pong"', b"\xff\xfe"])
def test_what_is_not_a_message_closes(text: str | bytes) -> None:
    assert closing(member().receive(text, 1.0)) == frames.BAD_MESSAGE


@pytest.mark.parametrize("text", ["x" * (64 * 1024 + 1), "é" * (32 * 1024 + 1)])
def test_a_message_above_the_limit_closes(text: str) -> None:
    assert closing(member().receive(text, 1.0)) == frames.BAD_MESSAGE


@given(st.one_of(st.text(), st.binary(), st.dictionaries(st.text(), st.text()).map(msgspec.json.encode)))
def test_no_message_whatever_breaks_the_rules(text: str | bytes) -> None:
    for rules in (fresh(), silent(), member()):
        for action in rules.receive(text, 1.0):
            assert isinstance(action, Action)


# --- time ----------------------------------------------------------------------------------------------------------


def test_a_quiet_member_is_pinged_and_closed_without_a_pong() -> None:
    rules = member()
    assert rules.due == 25.0
    assert list(rules.tick(25.0)) == [Send(frames.Ping())]
    assert not rules.tick(34.9)
    assert closing(rules.tick(35.0)) == frames.TIMED_OUT


@pytest.mark.parametrize("answer", [{"type": "pong"}, {"type": "subscribe", "filter": {}}])
def test_any_message_answers_a_ping(answer: dict[str, Any]) -> None:
    rules = member()
    rules.tick(25.0)
    rules.receive(message(**answer), 30.0)
    assert rules.due == 55.0


def test_a_token_is_warned_of_and_ends_the_connection_after_a_grace() -> None:
    rules = member(expires_in_s=3600.0)
    stay_alive(rules, until=3539.0)
    assert list(rules.tick(3540.0)) == [Send(frames.AuthExpiring(60))]
    stay_alive(rules, start=3540.0, until=3624.0)
    assert closing(rules.tick(3625.0)) == frames.BAD_TOKEN


def test_a_short_token_is_warned_of_at_once() -> None:
    assert list(member(expires_in_s=20.0).tick(0.0)) == [Send(frames.AuthExpiring(20))]


def test_a_refresh_moves_the_end() -> None:
    rules = member(expires_in_s=100.0)
    assert list(rules.receive(message(type="auth.refresh", token="new"), 90.0)) == [Authenticate("new")]
    assert not rules.authenticated("usr_1", 3600.0, None, 90.0)
    stay_alive(rules, start=90.0, until=3000.0)
    assert not rules.closed


def test_a_refresh_keeps_the_subject() -> None:
    rules = member(expires_in_s=100.0)
    rules.receive(message(type="auth.refresh", token="new"), 1.0)
    assert closing(rules.authenticated("usr_2", 3600.0, None, 1.0)) == frames.BAD_TOKEN


def test_nothing_follows_a_close() -> None:
    rules = member()
    rules.refused(NotFound())
    assert not rules.receive(message(type="pong"), 1.0)
    assert not rules.tick(1e9)
    assert not rules.joined(HERE, True, 1.0)
    assert not rules.refused(NotFound())
    assert rules.due == float("inf")


def stay_alive(rules: Protocol, *, until: float, start: float = 0.0) -> None:
    """Answer every ping."""
    now = start
    while now < until:
        now = min(until, now + protocol.PING_S - 1)
        rules.receive(message(type="pong"), now)
        rules.tick(now)
