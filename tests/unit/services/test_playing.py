"""Playlists of films in the making: they only ever grow at their end."""

from itertools import pairwise
from pathlib import Path

from renderowl.domain.records import Piece
from renderowl.pipeline.pieces import Piece as CutPiece
from renderowl.pipeline.pieces import pieces_of_segment, tee_arguments
from renderowl.pipeline.timeline import ColorContent, Rate
from renderowl.pipeline.tools import Toolchain
from renderowl.services.playing import playlist
from renderowl.services.screening import screen_of
from renderowl.testing.films import Stage

PIECES = [Piece(0, 2_000_000, 10), Piece(2_000_000, 4_080_000, 10), Piece(4_080_000, 5_000_000, 10)]


def test_a_playlist_only_grows_at_its_end() -> None:
    grown = [playlist(PIECES[:count], "video", 1, ended=False) for count in range(1, 4)]
    grown.append(playlist(PIECES, "video", 1, ended=True))
    for before, after in pairwise(grown):
        assert after.startswith(before)
    assert grown[-1].splitlines()[-3:] == ["#EXTINF:0.920000,", "1-video-0000004080000.ts", "#EXT-X-ENDLIST"]


def test_no_piece_is_longer_than_the_playlist_says() -> None:
    lines = playlist(PIECES, "video", 1, ended=True).splitlines()
    assert "#EXT-X-TARGETDURATION:4" in lines
    assert all(float(line[8:-1]) < 4.5 for line in lines if line.startswith("#EXTINF:"))


def test_pieces_lie_where_the_segment_lies_in_the_film(tmp_path: Path) -> None:
    stage = Stage(Toolchain("ffmpeg", "9"), frames=300, rate=Rate(30000, 1001))
    stage.put(ColorContent("#ff0000"))
    segment = stage.plan([150]).segments[1]
    assert pieces_of_segment(tmp_path, segment) == []
    listed = "#EXTM3U\n#EXTINF:2.002000,\nvideo-00000.ts\n#EXTINF:2.002000,\nvideo-00001.ts\n"
    (tmp_path / "pieces.m3u8").write_text(listed)
    first, second = pieces_of_segment(tmp_path, segment)
    assert first == CutPiece(tmp_path / "video-00000.ts", 5_005_000, 7_007_000)
    assert second.end_us == 9_009_000
    (tmp_path / "pieces.m3u8").write_text(f"{listed}#EXTINF:0.900000,\nvideo-00002.ts\n#EXT-X-ENDLIST\n")
    assert pieces_of_segment(tmp_path, segment, ended=True)[-1].end_us == 10_010_000, "where the segment ends"
    assert "output_ts_offset=15.005000" in tee_arguments(segment, "segment.nut")[-1]


def test_a_screen_names_the_codecs_of_its_level() -> None:
    stage = Stage(Toolchain("ffmpeg", "9"), width=1920, height=1080, frames=60)
    screen = screen_of(stage.plan())
    assert (screen.codecs, screen.has_sound, screen.end_us) == ("avc1.640028", False, 2_000_000)
