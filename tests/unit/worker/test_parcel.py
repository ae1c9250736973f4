"""Results on their way home: what is unpacked is what was packed, and nothing else."""

import hashlib
import resource
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


@pytest.mark.parametrize("name", ["../film.mp4", "/film.mp4", "a/b", "..", ".", "", "a\x00b", "film.vtt", "é" * 128])
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"content_type": "video/mp4; charset=x\r\nset-cookie: a=b"},
        {"content_type": "application/vnd.apple.mpegurl", "size_bytes": 1024**3},
        {"size_bytes": -1},
    ],
)
def test_what_is_no_file_of_a_render_is_refused_unread(
    packed: tuple[Path, list[MadeFile]], home: Path, wrong: dict[str, object]
) -> None:
    archive, (film, _) = packed
    with pytest.raises(ValueError, match="no file that a render makes"):
        unpack(archive, [msgspec.structs.replace(film, **wrong)], home)
    assert not list(home.iterdir())


def test_a_file_that_grows_out_of_nothing_is_refused(home: Path, tmp_path: Path) -> None:
    """A sparse member: half a kilobyte that says it is a gigabyte of zeros."""
    size_bytes = 1024**3
    sparse = tarfile.TarInfo("0")
    sparse.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\0" % size_bytes
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    archive = tmp_path / "sparse.tar"
    archive.write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(ValueError, match=r"film\.mp4"):
        unpack(archive, [MadeFile("video", "film.mp4", "video/mp4", size_bytes, "0" * 64)], home)
    assert not list(home.iterdir())


def test_no_header_is_read_into_memory(home: Path, tmp_path: Path) -> None:
    long = tarfile.TarInfo("././@PaxHeader")
    long.type, long.size = tarfile.XHDTYPE, 1024**3
    archive = tmp_path / "long.tar"
    with archive.open("wb") as file:
        file.write(long.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(long.size + 2048)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"film\.mp4"):
        unpack(archive, [MadeFile("video", "film.mp4", "video/mp4", 3, hashlib.sha256(b"abc").hexdigest())], home)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
