"""Says whether two folders hold pictures that look the same: those of docs/compositions.md, and what `make docs` has rendered.

Bytes may differ where FFmpeg was built otherwise; what is compared is the mean of each few pixels.
"""

import sys
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops

_CELL: Final = 4
"""Means are of so many pixels each way: less than a letter's stem, more than a codec's noise."""
_MOST: Final = 12
"""How far a mean may lie from the other, of 255."""


def difference(one: Path, other: Path) -> int:
    """The largest difference of two pictures' means; 255 when their sizes differ."""
    with Image.open(one) as first, Image.open(other) as second:
        if first.size != second.size:
            return 255
        means = [picture.convert("RGB").reduce(_CELL) for picture in (first, second)]
    return max(int(most) for _, most in ImageChops.difference(*means).getextrema())


def problems(rendered: Path, kept: Path) -> list[str]:
    """What is not the same, a line each."""
    names = {folder: {path.name for path in folder.glob("*.jpg")} for folder in (rendered, kept)}
    found = [f"{name} is not in {kept}" for name in names[rendered] - names[kept]]
    found += [f"{name} is rendered no more" for name in names[kept] - names[rendered]]
    for name in names[rendered] & names[kept]:
        if (apart := difference(rendered / name, kept / name)) > _MOST:
            found.append(f"{name} looks different: {apart} of 255 apart, where {_MOST} are allowed")
    return sorted(found)


if __name__ == "__main__":
    different = problems(Path(sys.argv[1]), Path(sys.argv[2]))
    if different:
        sys.exit("\n".join([*different, f"look at {sys.argv[1]}; `make pictures` keeps them in {sys.argv[2]}"]))
