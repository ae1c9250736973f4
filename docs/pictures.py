"""Makes the pictures of README from a real `renderowl demo`: needs tmux. Run it as `python docs/pictures.py`.

The terminal is captured while the bars are moving; the frames come from the two films of that run.
"""

import re
import subprocess
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
SESSION = "renderowl-picture"
COLUMNS, ROWS = 104, 30


def tmux(*arguments: str) -> str:
    return subprocess.run(["tmux", *arguments], check=True, capture_output=True, text=True).stdout


def screen() -> str:
    return tmux("capture-pane", "-e", "-p", "-t", SESSION).rstrip()


def half_way(text: str) -> bool:
    """Both films are between a third and all of their frames."""
    percents = [float(found) for found in re.findall(r"([0-9.]+) %", re.sub(r"\x1b\[[0-9;]*m", "", text))]
    return len(percents) == 2 and min(percents) > 33


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    data_dir = Path(tempfile.mkdtemp()) / "demo"
    command = f".venv/bin/renderowl demo --data-dir {data_dir}; tmux wait-for -S {SESSION}-done; sleep 600"
    tmux("new-session", "-d", "-s", SESSION, "-x", str(COLUMNS), "-y", str(ROWS), command)
    try:
        moving = ""
        while "Captioned video" not in (now := screen()) or "%" not in now:
            time.sleep(0.1)
        while " 100.0 %" not in (now := screen()):
            moving = moving if half_way(moving) else now
            time.sleep(0.1)
        tmux("wait-for", f"{SESSION}-done")
        ended = screen().replace(str(data_dir), ".renderowl/demo")
    finally:
        tmux("kill-session", "-t", SESSION)
    console = Console(record=True, width=COLUMNS, file=open("/dev/null", "w"))  # noqa: SIM115 - lives as long as this
    after = "\n".join(ended.splitlines()[len(moving.splitlines()) - 2 :])
    console.print(Text("$ make demo"), Text.from_ansi(moving), Text("   ..."), Text.from_ansi(after), sep="\n")
    svg = re.sub(r"@font-face \{.*?\}\n", "", console.export_svg(title="RenderOwl"), flags=re.DOTALL)
    (IMAGES / "demo.svg").write_text(svg.replace("<svg ", '<svg xml:space="preserve" ', 1))
    films = [data_dir / "output" / name for name in ("captioned.mp4", "timeline.mp4")]
    graph = ";".join(
        f"[{n}]select='{'+'.join(f'eq(n,{at})' for at in frames)}',scale=400:-1,tile=3x1[r{n}]"
        for n, frames in enumerate(((25, 105, 185), (60, 210, 330)))
    )
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(films[0]), "-i", str(films[1])),
            *("-filter_complex", f"{graph};[r0][r1]vstack", "-frames:v", "1", "-q:v", "4", str(IMAGES / "films.jpg")),
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
