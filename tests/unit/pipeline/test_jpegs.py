"""Pictures come whole out of a stream, however it is cut into pieces and whatever their headers hold."""

import io
from collections.abc import Iterable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from renderowl.pipeline.jpegs import MAX_JPEG_BYTES, JpegSplitter

ENDS_IN_A_TABLE = b"\xff\xd8\xff\xdb\x00\x06\xff\xd9\xff\xd8\xff\xda\x00\x03\x01picture\xff\xd9"


def headers() -> st.SearchStrategy[bytes]:
    """Marker segments of any content, ends and starts of files included."""
    content = st.binary(max_size=12) | st.sampled_from([b"\xff\xd9", b"\xff\xd8\xff\xe0\xff\xd9"])
    kinds = st.sampled_from([0xC0, 0xC4, 0xDB, 0xE0, 0xFE])
    segment = st.builds(lambda kind, data: bytes([0xFF, kind, 0, len(data) + 2]) + data, kinds, content)
    return st.lists(segment, max_size=4).map(b"".join)


def jpegs() -> st.SearchStrategy[bytes]:
    """Files as the standard has them: headers, then a picture in which every 0xFF is followed by 0."""
    pictures = st.binary(max_size=40).map(lambda data: data.replace(b"\xff", b"\xff\x00"))
    return st.builds(
        lambda head, data: b"\xff\xd8" + head + b"\xff\xda\0\3\1" + data + b"\xff\xd9", headers(), pictures
    )


def pieces_of(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    at = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in zip(at, [*at[1:], len(stream)], strict=True)]


def split(pieces: Iterable[bytes]) -> list[bytes]:
    splitter = JpegSplitter()
    return [file for piece in pieces for file in splitter.feed(piece)]


@given(st.lists(jpegs(), max_size=5), st.lists(st.integers(0, 400), max_size=30))
@example([ENDS_IN_A_TABLE, ENDS_IN_A_TABLE], list(range(100)))
def test_files_come_out_whole_and_in_order_however_the_stream_is_cut(files: list[bytes], cuts: list[int]) -> None:
    assert split(pieces_of(b"".join(files), cuts)) == files


@given(st.lists(jpegs() | st.binary(max_size=20), max_size=6), st.lists(st.integers(0, 300), max_size=30))
def test_what_is_no_file_is_passed_over_the_same_way_however_it_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    assert split(pieces_of(stream, cuts)) == split([stream])


@settings(max_examples=20)
@given(st.binary(max_size=200), jpegs())
def test_a_file_after_an_interrupted_one_is_not_lost_for_ever(broken: bytes, file: bytes) -> None:
    found = split([broken, b"\xff\xd9", file * 10_000])  # longer than what a broken header can claim
    assert found[-1:] == [file]


def test_an_endless_file_is_given_up_and_the_next_one_found() -> None:
    file = ENDS_IN_A_TABLE
    splitter = JpegSplitter()
    for piece in (b"\xff\xd8\xff\xda\0\2", *[bytes(65_536)] * 100):
        assert splitter.feed(piece) == []
        assert len(splitter._held) <= MAX_JPEG_BYTES
    assert splitter.feed(b"\xff\xd9" + file) == [file]


def test_real_files_are_split_byte_by_byte() -> None:
    files = []
    for color in ("red", "green", "white"):
        made = io.BytesIO()
        Image.new("RGB", (64, 36), color).save(made, "JPEG")
        files.append(made.getvalue())
    assert split(bytes([byte]) for byte in b"".join(files)) == files
