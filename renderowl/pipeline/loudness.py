"""Loudness: measured over the whole programme (EBU R 128) and set by one gain, so that nothing in it is moved.

`loudnorm` would do both in two runs, but turns to changing the gain all the time, unasked, as soon as a peak is in the
way. Here a peak that is in the way is limited, and what the limiter takes from the loudness is measured and given back.
"""

from math import log10
from pathlib import Path
from typing import Final

import msgspec

from renderowl.pipeline.encoding import Loudness
from renderowl.pipeline.graph import Stream
from renderowl.pipeline.sound import SAMPLE_RATE, whole

LOUDNESS_FILE: Final = "loudness.txt"
PEAK_FILE: Final = "peak.txt"
MOST_GAIN_DB: Final = 30.0
"""What is quieter than this below its target is noise, or meant to be."""
_SILENT_LUFS: Final = -69.9
"""What R 128 says of silence, and of less than its 400 ms, is -70."""
_TOLD_LU: Final = 0.1
"""How exactly a loudness is told."""
_LEAST_PASSED: Final = 0.25
_OVERSAMPLED: Final = 4 * SAMPLE_RATE
_INTEGRATED: Final = "lavfi.r128.I"
_TRUE_PEAK: Final = "lavfi.r128.true_peak"
_PEAK_STEP: Final = 0.0005
"""The peak is told as a factor with three digits."""
_TAIL_BYTES: Final = 4096


class Measured(msgspec.Struct, frozen=True):
    """What a programme is: its integrated loudness and its highest true peak."""

    lufs: float
    true_peak_db: float


class Level(msgspec.Struct, frozen=True):
    """What is done to a programme: a gain, and behind it a limiter when a peak would exceed `ceiling_db`."""

    gain_db: float
    ceiling_db: float | None = None


def level_for(found: Measured, wanted: Loudness) -> Level:
    """Return the level that brings a programme to its loudness; silence stays as it is."""
    if found.lufs <= _SILENT_LUFS:
        return Level(0.0)
    gain_db = round(min(wanted.target_lufs - found.lufs, MOST_GAIN_DB), 2)
    too_high = found.true_peak_db + gain_db > wanted.true_peak_db
    return Level(gain_db, wanted.true_peak_db if too_high else None)


def corrected(level: Level, before: Measured, found: Measured, wanted: Loudness) -> Level:
    """Return the level that makes up for what the limiter took, `found` having been measured behind it.

    From where the limiter begins to work it has let through a part of each decibel of gain; of more gain it will let
    through no more than that, so more of it is given.
    """
    begins_db = wanted.true_peak_db - before.true_peak_db
    limited_db = level.gain_db - begins_db
    passed = (found.lufs - before.lufs - begins_db) / limited_db if limited_db > _TOLD_LU else 1.0
    missing = (wanted.target_lufs - found.lufs) / min(1.0, max(_LEAST_PASSED, passed))
    gain_db = round(min(level.gain_db + missing, MOST_GAIN_DB), 2)
    return msgspec.structs.replace(level, gain_db=gain_db)


def levelled(sound: Stream, level: Level, total: int) -> Stream:
    """Return the sound at a level, still `total` samples long."""
    sound = sound.then("volume", f"{level.gain_db}dB")
    if level.ceiling_db is None:
        return sound
    ceiling = f"{10 ** (level.ceiling_db / 20):.6f}"
    # Between samples a wave may be higher than at them; at four times the rate hardly.
    sound = sound.then("aresample", _OVERSAMPLED).then("alimiter", limit=ceiling, level=0, latency=1)
    return whole(sound.then("aresample", SAMPLE_RATE), total)


def measured(sound: Stream) -> Stream:
    """Return the sound with what is known of it up to each moment written to LOUDNESS_FILE and PEAK_FILE."""
    sound = sound.then("ebur128", peak="true", metadata=1)
    sound = sound.then("ametadata", mode="print", key=_INTEGRATED, file=LOUDNESS_FILE)
    return sound.then("ametadata", mode="print", key=_TRUE_PEAK, file=PEAK_FILE)


def read_measured(work_dir: Path) -> Measured:
    """Return what was written last, which is about the whole programme; one of less than 100 ms is silent."""
    lufs = _last(work_dir / LOUDNESS_FILE, _INTEGRATED)
    peak = _last(work_dir / PEAK_FILE, _TRUE_PEAK)
    if lufs is None or peak is None:
        return Measured(_SILENT_LUFS, 0.0)
    return Measured(lufs, 20 * log10(max(peak, 0.0) + _PEAK_STEP))


def _last(path: Path, key: str) -> float | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    values = [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
    return float(values[-1]) if values else None
