"""Who is in a room: rosters of several processes, told bounded and as changes."""

from renderowl.ws.frames import Watcher
from renderowl.ws.presence import SHOWN, STALE_S, Presence, Roster

NOW = 1000.0


def watcher(number: int) -> Watcher:
    return Watcher(f"con_{number:05}", "usr_1")


def elsewhere(count: int, *numbers: int, at: float = NOW, process: str = "other") -> Roster:
    return Roster(process, at, count, [watcher(number) for number in numbers])


def test_who_comes_and_goes_is_told_once() -> None:
    presence = Presence()
    presence.arrive(watcher(1))
    news = presence.news(NOW)
    assert news is not None
    assert (news.count, news.members, news.joined, news.left) == (1, [watcher(1)], [watcher(1)], [])
    assert presence.news(NOW) is None
    presence.leave("con_00001")
    news = presence.news(NOW)
    assert news is not None
    assert (news.count, news.members, news.joined, news.left) == (0, [], [], [watcher(1)])


def test_five_thousand_who_come_at_once_are_one_word_with_a_hundred_names() -> None:
    presence = Presence()
    for number in range(5000):
        presence.arrive(watcher(number))
    news = presence.news(NOW)
    assert news is not None
    assert (news.count, len(news.members), len(news.joined)) == (5000, SHOWN, SHOWN)
    assert len(presence.roster("here", NOW).members) == SHOWN
    presence.arrive(watcher(9999))
    news = presence.news(NOW)
    assert news is not None
    assert (news.count, news.joined) == (5001, [])


def test_members_of_other_processes_are_shown_with_ones_own() -> None:
    presence = Presence()
    presence.arrive(watcher(2))
    presence.hear(elsewhere(1, 1), NOW)
    assert presence.members(NOW) == (2, [watcher(1), watcher(2)])


def test_an_older_roster_than_is_known_changes_nothing() -> None:
    presence = Presence()
    presence.hear(elsewhere(2, 1, 2, at=NOW), NOW)
    presence.hear(elsewhere(1, 1, at=NOW - 1), NOW)
    assert presence.members(NOW)[0] == 2


def test_members_of_a_process_that_is_not_heard_of_are_gone_after_a_minute() -> None:
    presence = Presence()
    presence.hear(elsewhere(1, 1), NOW)
    assert presence.members(NOW + STALE_S - 1)[0] == 1
    assert presence.members(NOW + STALE_S) == (0, [])


def test_a_roster_is_due_until_it_was_asked_for() -> None:
    presence = Presence()
    assert not presence.changed
    presence.arrive(watcher(1))
    assert presence.changed
    assert presence.roster("here", NOW) == Roster("here", NOW, 1, [watcher(1)])
    assert not presence.changed
    presence.leave("con_00009")
    assert not presence.changed


def test_processes_that_are_gone_are_forgotten_though_nobody_asks() -> None:
    presence = Presence()
    for number in range(100):
        now = NOW + number * STALE_S
        presence.hear(Roster(f"process_{number}", now, 1, []), now)
    assert len(presence._elsewhere) == 1
