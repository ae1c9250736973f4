"""Watching a film in the making as a player does, by its playlists and the pieces they name."""

import re
from pathlib import Path
from urllib.parse import unquote

import av

from renderowl.domain.records import Render
from renderowl.services import playing
from renderowl.testing.farm import Farm


async def text_of(farm: Farm, url: str) -> str:
    """What a signed path serves, as text."""
    token, name = url.rpartition("/play/")[2].split("/")
    served = await playing.serve(farm.ctx, token, unquote(name))
    assert isinstance(served.body, bytes)
    return served.body.decode()


async def watched(farm: Farm, render: Render, folder: Path) -> list[Path]:
    """Local copies of a film in the making, each track's pieces behind each other, as a player has them."""
    signed = await playing.sign_preview(farm.ctx, farm.principal, farm.project_id, render.id)
    token = signed.url.split("/")[-2]
    tracks = []
    for name in re.findall(r"preview-[a-z]+\.m3u8", await text_of(farm, signed.url)):
        text = await text_of(farm, f"/play/{token}/{name}")
        path = folder / f"{name}.ts"
        with path.open("wb") as file:
            for piece in re.findall(r"(?m)^[^#\n].*$", text):
                served = await playing.serve(farm.ctx, token, piece)
                assert not isinstance(served.body, bytes)
                file.write(b"".join([chunk async for chunk in served.body]))
        tracks.append(path)
    return tracks


def times(path: Path, kind: str) -> list[float]:
    """When the packets of a track are shown, in order."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return sorted(
            float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.pts is not None
        )
