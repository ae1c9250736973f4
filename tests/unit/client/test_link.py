"""Noticing that a machine slept."""

from renderowl.client.link import Silence


def test_silence_is_what_the_clock_that_did_not_sleep_says() -> None:
    steady, wall = 100.0, 5_000.0
    silence = Silence((lambda: steady, lambda: wall))
    wall += 600.0
    steady += 1.0
    assert silence.seconds == 600
    silence.broken()
    assert silence.seconds == 0
