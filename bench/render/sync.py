"""Sound and picture at the end of an hour: flashes with a burst of noise each, found again in the finished film."""

import argparse
import array
import subprocess
from pathlib import Path
from typing import Any, Final

import av
import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER, ffmpeg, render
from results import save

GOAL_MS: Final = 1.0
RATE: Final = 48_000
BURST_S: Final = 0.25
_SEARCH_S: Final = 0.02


def burst() -> str:
    """A burst of noise, which is like itself in one place only."""
    path = FOLDER / "burst.wav"
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = f"anoisesrc=r={RATE}:d={BURST_S}:seed=7:a=0.4,aformat=channel_layouts=mono"
    subprocess.run([ffmpeg(), "-y", "-v", "error", "-f", "lavfi", "-i", source, str(path)], check=True)
    return path.name


def film(seconds: int, places: list[int]) -> dict[str, Any]:
    """Black, and white with a burst at these seconds; a light changes every ten seconds, so that there are segments."""
    name = burst()
    dark = [{"type": "color", "color": ("#000000", "#101418")[n % 2], "duration": 10} for n in range(seconds // 10)]
    flashes = [{"type": "color", "color": "#ffffff", "start": at, "duration": BURST_S} for at in places]
    sounds = [{"type": "audio", "src": name, "start": at} for at in places]
    tracks = [{"clips": dark}, {"clips": flashes}, {"clips": sounds}]
    return {"width": 160, "height": 90, "fps": 30, "tracks": tracks}


def flash_at(path: Path, near_s: int) -> float:
    """When the picture turns white."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        container.seek(int((near_s - 3) / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time > near_s - 2 and bytes(frame.planes[0])[0] > 128:
                return float(frame.pts * stream.time_base)
    raise AssertionError(f"there is no flash at {near_s} s")


def sound_at(path: Path, near_s: int, wanted: "array.array[float]") -> float:
    """When the burst begins: where the sound is most like it."""
    heard: array.array[float] = array.array("f")
    first_s = None
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        container.seek(int((near_s - 1) / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            begins_s = float(frame.pts * stream.time_base)
            if begins_s > near_s + BURST_S + 0.2:
                break
            if begins_s >= near_s - 0.2:
                first_s = begins_s if first_s is None else first_s
                heard.frombytes(bytes(frame.planes[0])[: 4 * frame.samples])
    assert first_s is not None, f"there is no sound at {near_s} s"
    middle = round((near_s - first_s) * RATE)
    reach = round(_SEARCH_S * RATE)

    def likeness(place: int) -> float:
        return sum(a * b for a, b in zip(wanted, heard[place : place + len(wanted)], strict=True))

    return first_s + max(range(middle - reach, middle + reach), key=likeness) / RATE


def measure(seconds: int) -> None:
    """The beginning, the middle and the end."""
    places = [2, seconds // 2 + 1, seconds - 1]
    used, path = render("sync", "timeline", film(seconds, places), {"preset": "ultrafast", "crf": 23})
    with av.open(str(FOLDER / "burst.wav")) as container:
        wanted: array.array[float] = array.array("f")
        for frame in container.decode(audio=0):
            wanted.extend(sample / 32768 for sample in array.array("h", bytes(frame.planes[0])[: 2 * frame.samples]))
    found = [
        {"at_s": at, "flash_s": flash_at(path, at), "sound_s": round(sound_at(path, at, wanted[:4800]), 6)}
        for at in places
    ]
    apart = [1000 * (each["sound_s"] - each["flash_s"]) for each in found]
    save(
        "render_sync",
        title=f"Sound against picture at the end of {seconds / 3600:g} h",
        goal=GOAL_MS,
        result=abs(apart[-1]),
        unit="ms",
        meaning="the time between a flash and the burst of noise that belongs to it, in the finished MP4 as a player reads it, a "
        "second before its end; the sound by its likeness to the burst, sample by sample",
        apart_ms=[round(each, 4) for each in apart],
        found=found,
        jobs={"the film": used.told},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600)
    measure(parser.parse_args().seconds)
