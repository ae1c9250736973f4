"""When a dead service is started again, and when no more."""

from pathlib import Path

import pytest

from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.keeper import Keeper, LogFollower


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class _Fake:
    name = "fake"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "fake.log"
        self.running = True
        self.starts: list[float] = []

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@pytest.fixture
def service(tmp_path: Path) -> _Fake:
    return _Fake(tmp_path)


def test_the_first_death_is_mended_at_once_and_later_ones_after_twice_as_long(service: _Fake) -> None:
    clock, said = _Clock(), list[str]()
    keeper = Keeper(service, said.append, clock)
    keeper.tend()
    assert said == []
    for delay_s in (0.0, 0.5, 1.0, 2.0, 4.0):
        service.running = False
        keeper.tend()
        if delay_s:
            clock.now += delay_s - 0.01
            keeper.tend()
            assert not service.running
            clock.now += 0.02
            keeper.tend()
        assert service.running
        assert f"in {delay_s:g} s" in said[-1]


def test_the_sixth_death_in_a_minute_is_admitted_with_the_end_of_the_log(service: _Fake) -> None:
    clock = _Clock()
    keeper = Keeper(service, lambda text: None, clock)
    service.log.write_text("the reason\n")
    for _ in range(5):
        service.running = False
        keeper.tend()
        clock.now += 5
        keeper.tend()
    service.running = False
    with pytest.raises(EmbeddedError, match=r"fake died 6 times in a minute.*\nthe reason"):
        keeper.tend()


def test_deaths_long_apart_are_mended_for_ever(service: _Fake) -> None:
    clock = _Clock()
    keeper = Keeper(service, lambda text: None, clock)
    for _ in range(50):
        service.running = False
        keeper.tend()
        clock.now += 31
        keeper.tend()
        assert service.running


def test_a_follower_shows_whole_lines_written_since_it_began(service: _Fake) -> None:
    service.log.write_text("before\n")
    shown: list[str] = []
    follower = LogFollower([service], shown.append)
    follower.copy()
    with service.log.open("a") as log:
        log.write("one\ntw")
        log.flush()
        follower.copy()
        log.write("o\n")
        log.flush()
        follower.copy()
        follower.copy()
    assert [line.split("| ")[1] for line in shown] == ["one", "two"]
