"""What a change costs: a slideshow of forty scenes, one picture replaced, the same again, and the change taken back.

Each is a run of `renderowl render` on the same `--cache-dir`, its start and the reading of all sources included.
"""

import argparse
import hashlib
import shutil
from typing import Any, Final

import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER, Use, render
from media import frames_of, picture
from results import median, save
from slideshow import Job

GOAL_SHARE: Final = 0.06
GOAL_AGAIN_S: Final = 2.0


def measure(scenes: int, each_s: float, preset: str, rounds: int) -> None:
    """A cold render, then rounds of edits, each of another scene."""
    job = Job(scenes, each_s, preset)
    cache = FOLDER / "edit-cache"
    shutil.rmtree(cache, ignore_errors=True)
    settings = {"preset": preset, "crf": 18}

    def rendered(pictures: list[str]) -> tuple[Use, str]:
        job.pictures = pictures
        used, film = render("edit", "slideshow", job.spec(), settings, cache_dir=cache)
        return used, hashlib.sha256(film.read_bytes()).hexdigest()

    original = list(job.pictures)
    cold, first = rendered(original)
    assert frames_of(FOLDER / "edit.mp4") == job.frames
    edits, again, back = [], [], []
    for n in range(rounds):
        place = (2 * n + 1) * scenes // (2 * rounds)
        changed = [*original[:place], picture(scenes + n), *original[place + 1 :]]
        used, other = rendered(changed)
        edits.append(used)
        assert other != first, "the change is not to be seen"
        used, repeated = rendered(changed)
        again.append(used)
        assert repeated == other, "the same spec gave other bytes"
        used, restored = rendered(original)
        back.append(used)
        assert restored == first, "changed back, the film is not what it was"
    told: dict[str, Any] = {
        "scenes": scenes,
        "film_s": scenes * each_s,
        "preset": preset,
        "jobs": {
            "cold": cold.told,
            **{f"scene {n + 1} edited": use.told for n, use in enumerate(edits)},
            **{f"the same again, {n + 1}": use.told for n, use in enumerate(again)},
            **{f"changed back, {n + 1}": use.told for n, use in enumerate(back)},
        },
    }
    save(
        "render_edit",
        title=f"One scene of {scenes} edited, CPU against the cold render",
        goal=GOAL_SHARE,
        result=median([use.cpu_s for use in edits]) / cold.cpu_s,
        unit="of the cold render",
        meaning=f"CPU seconds of `renderowl render` on a warm cache with one picture of {scenes} replaced, over those of the "
        f"first render; everything included. Preset {preset}, median of {rounds}. Changed back, the film is the same "
        "byte for byte, which is asserted",
        **told,
    )
    save(
        "render_again",
        title="The same spec again",
        goal=GOAL_AGAIN_S,
        result=median([use.wall_s for use in (*again, *back)]),
        unit="s",
        meaning=f"wall time of `renderowl render` when all {scenes} scenes are in the cache: start, reading and hashing all "
        f"sources, joining and checking; median of {2 * rounds}",
        jobs={"cold": cold.told, **{f"again {n + 1}": use.told for n, use in enumerate((*again, *back))}},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each scene")
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    measure(chosen.scenes, chosen.seconds, chosen.preset, chosen.rounds)
