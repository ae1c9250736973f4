"""Playing over HTTP: texts that name other files, such as playlists, at URLs that need no credential but their own.

A player asks for a playlist and then for what it names, and can add a credential to neither. So the path holds a token
that opens the files of one render until it expires. The pieces of a film in the making lie below the same path, under
names relative to it; of a finished film the names are replaced by signed URLs of the storage.
"""

import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from renderowl.db import pieces as piece_rows
from renderowl.db import renders
from renderowl.domain.errors import Conflict, NotFound, UrlExpired
from renderowl.domain.lifecycle import is_active
from renderowl.domain.records import Piece, Principal, Render, Track
from renderowl.pipeline.hls import PLAYLIST_TYPE
from renderowl.pipeline.pieces import LONGEST_PIECE_S
from renderowl.services import renders as render_services
from renderowl.services.context import Context
from renderowl.services.screening import piece_name, pieces_prefix
from renderowl.storage.base import ObjectMissing, SignedRequest

PREVIEW: Final = "preview.m3u8"
TTL_S: Final = 24 * 3600

_PLAY: Final = "play"
_TRACKS: Final[dict[str, Track]] = {"preview-video.m3u8": "video", "preview-audio.m3u8": "audio"}
_PIECE: Final = re.compile(r"([0-9]{1,9})-(video|audio)-([0-9]{13})\.ts")
_REFERENCE: Final = re.compile(r'(?m)(?P<before>^|URI=")(?P<name>[^#\s"][^#\n"]*)')


class Played(msgspec.Struct, frozen=True):
    """What is answered: a text or the bytes of an object. `lasting` is what never changes."""

    content_type: str
    body: bytes | AsyncIterator[bytes]
    size_bytes: int
    lasting: bool = False


def is_played(file: dict[str, Any]) -> bool:
    """Whether a render's file names others of its files, so that a player must get it from here."""
    return bool(file["content_type"] == PLAYLIST_TYPE or file["kind"] == "thumbnails")


def sign_play(ctx: Context, render_id: str, name: str) -> SignedRequest:
    """A URL that serves a text of a render and what it names for 24 h."""
    expires_at = int(time.time()) + TTL_S
    signature = ctx.keyring.sign(_PLAY, f"{render_id}.{expires_at}".encode())
    url = f"{ctx.settings.base_url}/play/{render_id}.{expires_at}.{signature}/{quote(name)}"
    return SignedRequest("GET", url, {}, expires_at)


async def sign_preview(ctx: Context, principal: Principal, project_id: str, render_id: str) -> SignedRequest:
    """A URL at which a film can be watched while it is made. Raises Conflict when it does not play (yet, or any more)."""
    render = await render_services.get(ctx, principal, project_id, render_id)
    if render.preview is None:
        over = "is not there any more; the film is" if render.status == "completed" else "was not asked for, or not yet"
        raise Conflict(f"a playlist of the film in the making {over}: see preview.hls")
    if not render.preview.playable:
        raise Conflict("the film does not play yet; the room says render.playable when it does")
    return sign_play(ctx, render.id, PREVIEW)


async def serve(ctx: Context, token: str, name: str) -> Played:
    """A file below a signed path. Raises UrlExpired, or NotFound for what is not there (any more)."""
    render_id, ttl_s = _read(ctx, token)
    render = await renders.get(ctx.db, render_id)
    if render is None:
        raise NotFound("the render is not there any more")
    if (named := _PIECE.fullmatch(name)) is not None:
        return await _piece(ctx, render, int(named[1]), f"{named[2]}-{named[3]}.ts")
    if name == PREVIEW or name in _TRACKS:
        return _text(PLAYLIST_TYPE, await _preview(ctx, render, name))
    return await _finished(ctx, render, name, ttl_s)


def _read(ctx: Context, token: str) -> tuple[str, int]:
    """The render that a token opens and for how many seconds it still does."""
    said, _, signature = token.rpartition(".")
    render_id, _, expires_at = said.rpartition(".")
    if not ctx.keyring.verify(_PLAY, said.encode(errors="surrogatepass"), signature):
        raise UrlExpired("The URL was changed or is not ours")
    left_s = int(expires_at) - int(time.time())
    if left_s <= 0:
        raise UrlExpired("The URL has expired")
    return render_id, left_s


def _text(content_type: str, text: str) -> Played:
    body = text.encode()
    return Played(content_type, body, len(body))


# --- a film in the making ------------------------------------------------------------------------------------------


async def _preview(ctx: Context, render: Render, name: str) -> str:
    screen, attempt = render.preview, render.attempt
    if screen is None or not screen.playable:
        raise NotFound("this film does not play now")
    video = _without_holes(await piece_rows.list_of(ctx.db, render.id, attempt, "video"))
    ended = not is_active(render.status) or (bool(video) and video[-1].end_us >= screen.end_us)
    if name == PREVIEW:
        bits_s = max(8_000_000 * piece.size_bytes // (piece.end_us - piece.start_us) for piece in video)
        lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-INDEPENDENT-SEGMENTS"]
        if screen.has_sound:
            told = 'TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,URI="preview-audio.m3u8"'
            lines.append(f"#EXT-X-MEDIA:{told}")
        size = f"RESOLUTION={screen.width}x{screen.height},FRAME-RATE={screen.fps:.3f}"
        sound = ',AUDIO="sound"' if screen.has_sound else ""
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={bits_s + 400_000},{size},CODECS="{screen.codecs}"{sound}')
        return "\n".join([*lines, "preview-video.m3u8", ""])
    track = _TRACKS[name]
    pieces = video if track == "video" else _without_holes(await piece_rows.list_of(ctx.db, render.id, attempt, track))
    return playlist(pieces, track, attempt, ended=ended)


def playlist(pieces: list[Piece], track: Track, attempt: int, *, ended: bool) -> str:
    """A playlist that only ever grows at its end, and says when it has ended (RFC 8216, EVENT)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:4", f"#EXT-X-TARGETDURATION:{LONGEST_PIECE_S}", "#EXT-X-PLAYLIST-TYPE:EVENT"]
    lines += ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-START:TIME-OFFSET=0"]
    for piece in pieces:
        name = f"{attempt}-{piece_name(track, piece.start_us)}"
        lines += [f"#EXTINF:{(piece.end_us - piece.start_us) / 1_000_000:.6f},", name]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if ended else []), ""])


def _without_holes(pieces: list[Piece]) -> list[Piece]:
    """The pieces up to the first that is missing."""
    shown: list[Piece] = []
    for piece in pieces:
        if piece.start_us != (shown[-1].end_us if shown else 0):
            break
        shown.append(piece)
    return shown


async def _piece(ctx: Context, render: Render, attempt: int, name: str) -> Played:
    key = pieces_prefix(render.project_id, render.id, attempt) + name
    try:
        info = await ctx.storage.head(key)
    except ObjectMissing:
        raise NotFound("this piece is not there any more") from None
    return Played("video/mp2t", ctx.storage.read(key), info.size_bytes, lasting=True)


# --- a finished film -----------------------------------------------------------------------------------------------


async def _finished(ctx: Context, render: Render, name: str, ttl_s: int) -> Played:
    """A text of a finished render in which each of the render's files is named by a signed URL."""
    files = {} if render.output is None else {file["name"]: file for file in render.output["outputs"]}
    file = files.get(name)
    if file is None or not is_played(file):
        raise NotFound("the render has no such file to play")
    text = b"".join([chunk async for chunk in ctx.storage.read(file["key"])]).decode()
    named = {unquote(match["name"]) for match in _REFERENCE.finditer(text)} & files.keys()
    urls = {one: (await ctx.storage.sign_get(files[one]["key"], ttl_s=ttl_s)).url for one in named}

    def resolved(match: re.Match[str]) -> str:
        return match["before"] + urls.get(unquote(match["name"]), match["name"])

    return _text(file["content_type"], _REFERENCE.sub(resolved, text))
