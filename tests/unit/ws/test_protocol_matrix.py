"""What every message does in every state of a connection, and that nothing but these states is there."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from renderowl.domain.errors import ERRORS, RenderOwlError
from renderowl.domain.events import Cursor
from renderowl.ws import frames, protocol
from renderowl.ws.protocol import Action, Authenticate, Close, Join, Perform, Protocol, Refilter, Send

MESSAGES: Final[dict[str, dict[str, Any]]] = {
    "auth": {"token": "t"},
    "hello": {},
    "subscribe": {"filter": {}},
    "auth.refresh": {"token": "t"},
    "pong": {},
    "render.create": {"ref": "k", "data": {}},
    "render.cancel": {"ref": "k", "render_id": "rnd_1"},
    "render.retry": {"ref": "k", "render_id": "rnd_1"},
}


def text_of(type: str, **fields: Any) -> str:
    return msgspec.json.encode({"type": type, **(fields or MESSAGES[type])}).decode()


def nameless(plain: bool) -> Protocol:
    rules = Protocol("con_1", plain=plain, now=0.0)
    rules.start(None)
    return rules


def asked(plain: bool) -> Protocol:
    rules = Protocol("con_1", plain=plain, now=0.0)
    rules.start(Authenticate("t"))
    return rules


def silent(plain: bool) -> Protocol:
    rules = asked(plain)
    rules.authenticated("usr_1", None, None, 0.0)
    return rules


def joining(plain: bool) -> Protocol:
    rules = silent(plain)
    if not plain:
        rules.receive(text_of("hello"), 0.0)
    return rules


def member(plain: bool) -> Protocol:
    rules = joining(plain)
    rules.joined(Cursor("e1", 0), True, 0.0)
    return rules


def closed(plain: bool) -> Protocol:
    rules = member(plain)
    rules.receive("{", 0.0)
    return rules


def outcome(actions: Any) -> str:
    """`nothing`, what is to be done, or the close code."""
    names = [str(action.code) if isinstance(action, Close) else type(action).__name__ for action in actions]
    return names[-1] if names else "nothing"


ALWAYS: Final = {"auth": "Authenticate", "auth.refresh": "Authenticate", "pong": "nothing"}
NOT_NOW: Final = dict.fromkeys(MESSAGES, "4400")
COMMANDS: Final = ("render.create", "render.cancel", "render.retry")

EXPECTED: Final[list[tuple[Callable[[bool], Protocol], bool, dict[str, str]]]] = [
    *((nameless, plain, dict.fromkeys(MESSAGES, "4401") | ALWAYS) for plain in (False, True)),
    *((asked, plain, NOT_NOW | ALWAYS) for plain in (False, True)),
    (silent, False, NOT_NOW | ALWAYS | {"hello": "Join"}),
    *((joining, plain, NOT_NOW | ALWAYS) for plain in (False, True)),
    *(
        (member, plain, NOT_NOW | ALWAYS | {"subscribe": "Refilter"} | dict.fromkeys(COMMANDS, "Perform"))
        for plain in (False, True)
    ),
    *((closed, plain, dict.fromkeys(MESSAGES, "nothing")) for plain in (False, True)),
]
CASES: Final = [
    pytest.param(state, plain, type, result, id=f"{state.__name__}-{'plain' if plain else 'v1'}-{type}")
    for state, plain, results in EXPECTED
    for type, result in results.items()
]


@pytest.mark.parametrize(("state", "plain", "type", "result"), CASES)
def test_each_message_in_each_state(state: Callable[[bool], Protocol], plain: bool, type: str, result: str) -> None:
    assert outcome(state(plain).receive(text_of(type), 1.0)) == result


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("state", [nameless, asked, silent, joining, member])
@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_closes_in_every_state_and_says_why(
    state: Callable[[bool], Protocol], plain: bool, code: str
) -> None:
    error = ERRORS[code]("because", retry_after_s=3)
    said, close = state(plain).refused(error)
    assert isinstance(said, Send)
    assert isinstance(said.message, frames.Error)
    assert (said.message.code, said.message.retry_after_s) == (code, 3)
    assert isinstance(close, Close)
    assert close.code in frames.CLOSE_CODES


@pytest.mark.parametrize("type", sorted(MESSAGES))
def test_every_message_has_no_unknown_fields(type: str) -> None:
    actions = member(False).receive(text_of(type, **MESSAGES[type], surprise=1), 1.0)
    assert outcome(actions) == ("nothing" if type == "pong" else "4400")


@pytest.mark.parametrize("name", ["", "x" * 65, 5])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    assert outcome(silent(False).receive(text_of("hello", name=name), 1.0)) == "4400"


def test_presence_is_asked_for_in_the_hello_and_told_in_the_welcome() -> None:
    rules = silent(False)
    assert list(rules.receive(text_of("hello", presence=True, name="Ada"), 1.0)) == [
        Join(None, frames.Filter(), True, "Ada")
    ]
    ada = frames.Watcher("con_1", "usr_1", "Ada")
    [welcome] = rules.joined(Cursor("e1", 0), True, 1.0, (1, [ada]))
    assert isinstance(welcome, Send)
    assert isinstance(welcome.message, frames.Welcome)
    assert (welcome.message.count, welcome.message.members) == (1, [ada])


class Life(RuleBasedStateMachine):
    """Any messages, answers and pauses in any order: at most one close, nothing after it, and no patience without end."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waiting: list[Action] = []
        self.closes = 0

    @initialize(plain=st.booleans(), offered=st.booleans())
    def connect(self, plain: bool, offered: bool) -> None:
        self.protocol = Protocol("con_1", plain=plain, now=self.now)
        self.do(self.protocol.start(Authenticate("t") if offered else None))

    def do(self, actions: Any) -> None:
        assert not (self.closes and actions), "nothing follows a close"
        for action in actions:
            self.closes += isinstance(action, Close)
            if isinstance(action, Authenticate | Join | Perform | Refilter):
                self.waiting.append(action)

    @rule(type=st.sampled_from(sorted(MESSAGES)))
    def say(self, type: str) -> None:
        self.do(self.protocol.receive(text_of(type), self.now))

    @precondition(lambda self: self.waiting)
    @rule(good=st.booleans(), expires_in_s=st.none() | st.floats(0, 200))
    def answer(self, good: bool, expires_in_s: float | None) -> None:
        action = self.waiting.pop(0)
        if isinstance(action, Perform | Refilter):
            return
        if not good:
            self.do(self.protocol.refused(RenderOwlError()))
        elif isinstance(action, Join):
            self.do(self.protocol.joined(Cursor("e1", 0), True, self.now))
        else:
            self.do(self.protocol.authenticated("usr_1", expires_in_s, None, self.now))

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.protocol.tick(self.now))

    @invariant()
    def it_is_closed_at_most_once_and_knows_it(self) -> None:
        if hasattr(self, "protocol"):
            assert self.closes == int(self.protocol.closed)
            assert self.protocol.due > self.now - 1e-9 or not self.protocol.closed

    def teardown(self) -> None:
        """Whoever says nothing more is closed, unless it is a plain member, which the socket's own ping watches."""
        if not hasattr(self, "protocol") or self.protocol.closed:
            return
        for _ in range(4):
            if self.protocol.due < float("inf"):
                self.now = max(self.now, self.protocol.due)
                self.do(self.protocol.tick(self.now))
        waits_for_us = any(isinstance(action, Join) for action in self.waiting)
        assert self.protocol.closed or self.protocol.plain or waits_for_us


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_a_connection_comes_to_one_end_whatever_happens = Life.TestCase


def test_the_figures_of_the_protocol() -> None:
    assert (protocol.PATIENCE_S, protocol.PING_S, protocol.GRACE_S, protocol.COMMANDS_PER_S) == (10, 25, 25, 20)
