"""Results on their way home: what is unpacked is what was packed, and nothing else."""

import tarfile
from pathlib import Path

import msgspec
import pytest

from renderowl.pipeline.assemble import OutputFile
from renderowl.worker.order import MadeFile
from renderowl.worker.parcel import pack, unpack


@pytest.fixture
def packed(tmp_path: Path) -> tuple[Path, list[MadeFile]]:
    """An archive of two files, and what it says of them."""
    film, captions = tmp_path / "film.mp4", tmp_path / "film.vtt"
    film.write_bytes(b"moving" * 1000)
    captions.write_text("WEBVTT")
    files = [
        OutputFile("video", "film.mp4", film, "video/mp4", 6000, 2.0, 320, 180, 30.0, 60),
        OutputFile("captions", "film.vtt", captions, "text/vtt", 6),
    ]
    archive = tmp_path / "result.tar"
    return archive, pack(files, archive)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_what_is_unpacked_is_what_was_packed(packed: tuple[Path, list[MadeFile]], home: Path) -> None:
    film, captions = unpack(*packed, home)
    assert film.path == home / "film.mp4"
    assert film.path.read_bytes() == b"moving" * 1000
    assert (film.kind, film.frames, film.duration_s, film.size_bytes) == ("video", 60, 2.0, 6000)
    assert captions.path.read_text() == "WEBVTT"


@pytest.mark.parametrize("name", ["../film.mp4", "/film.mp4", "a/b", "..", ".", "", "a\x00b", "film.vtt"])
def test_a_name_that_leads_elsewhere_or_twice_is_refused(
    packed: tuple[Path, list[MadeFile]], home: Path, name: str
) -> None:
    archive, (film, captions) = packed
    with pytest.raises(ValueError, match="names"):
        unpack(archive, [msgspec.structs.replace(film, name=name), captions], home)
    assert not list(home.iterdir())


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size_bytes": 5999}])
def test_other_bytes_than_were_made_are_refused(
    packed: tuple[Path, list[MadeFile]], home: Path, wrong: dict[str, object]
) -> None:
    archive, (film, _) = packed
    with pytest.raises(ValueError, match=r"film\.mp4"):
        unpack(archive, [msgspec.structs.replace(film, **wrong)], home)


def test_a_link_in_the_place_of_a_file_is_refused(
    packed: tuple[Path, list[MadeFile]], home: Path, tmp_path: Path
) -> None:
    link = tarfile.TarInfo("0")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "link.tar", "w") as tar:
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"film\.mp4"):
        unpack(tmp_path / "link.tar", packed[1][:1], home)


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\x00" * 2048])
def test_what_is_no_archive_of_these_files_is_refused(
    packed: tuple[Path, list[MadeFile]], home: Path, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "odd.tar").write_bytes(data)
    with pytest.raises(ValueError, match="archive"):
        unpack(tmp_path / "odd.tar", packed[1], home)
