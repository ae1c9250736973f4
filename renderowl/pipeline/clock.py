"""The clock: between a caller's decimal seconds, exact rationals and whole frames."""

from fractions import Fraction
from math import floor

from renderowl.pipeline.timeline import Rate, Seconds


def exact(seconds: float) -> Fraction:
    """Return the rational a caller meant by a decimal: 0.1 is 1/10."""
    return Fraction(str(seconds))


def rate_of(fps: float) -> Rate:
    """Return the frame rate a number means: 29.97 is 30000/1001, 23.976 is 24000/1001, 12.5 is 25/2."""
    nominal = round(fps * 1.001)
    if nominal > 0 and abs(fps - nominal / 1.001) < 0.005 and abs(fps - round(fps)) > 0.005:
        return Rate(nominal * 1000, 1001)
    ratio = exact(fps).limit_denominator(1001)
    return Rate(ratio.numerator, ratio.denominator)


def fraction_of(value: Rate | Seconds) -> Fraction:
    """Return a timeline's rational as a Python one."""
    return Fraction(value.num, value.den)


def seconds_of(value: Fraction) -> Seconds:
    """Return a Python rational as the timeline's; a microsecond is exact enough for any source."""
    short = value if value.denominator <= 1_000_000 else Fraction(round(value * 1_000_000), 1_000_000)
    return Seconds(short.numerator, short.denominator)


def frame_at(seconds: Fraction, rate: Rate) -> int:
    """Return the frame boundary that is nearest to a time."""
    return floor(seconds * fraction_of(rate) + Fraction(1, 2))


def time_of(frames: int, rate: Rate) -> Fraction:
    """Return how long so many frames last, in seconds."""
    return frames / fraction_of(rate)


def timescale(rate: Rate) -> int:
    """Return the ticks a second in which every frame's time is a whole number, and fine enough for players."""
    ticks = rate.num
    while ticks < 10_000:
        ticks *= 2
    return ticks
