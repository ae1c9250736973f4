"""What `make docs` fails by: a picture that looks different from the committed one."""

import runpy
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

_problems = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "same_pictures.py"))["problems"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The same picture, rendered and kept."""
    made = tmp_path / "rendered", tmp_path / "kept"
    for folder in made:
        folder.mkdir()
        Image.linear_gradient("L").resize((320, 180)).save(folder / "sky.jpg", quality=90)
    return made


def test_a_codecs_noise_is_no_difference(folders: tuple[Path, Path]) -> None:
    with Image.open(folders[1] / "sky.jpg") as kept:
        kept.save(folders[1] / "sky.jpg", quality=60)
    assert _problems(*folders) == []


def test_something_small_that_is_gone_is_one(folders: tuple[Path, Path]) -> None:
    with Image.open(folders[0] / "sky.jpg") as rendered:
        ImageDraw.Draw(rendered).rectangle((100, 100, 108, 102), fill=255)
        rendered.save(folders[0] / "sky.jpg", quality=90)
    (found,) = _problems(*folders)
    assert found.startswith("sky.jpg looks different")


def test_so_is_another_size_a_new_picture_and_one_that_is_gone(folders: tuple[Path, Path]) -> None:
    with Image.open(folders[0] / "sky.jpg") as rendered:
        rendered.save(folders[0] / "new.jpg")
        rendered.save(folders[1] / "old.jpg")
        rendered.resize((320, 176)).save(folders[0] / "sky.jpg")
    assert [line.split()[0] for line in _problems(*folders)] == ["new.jpg", "old.jpg", "sky.jpg"]
