"""The route behind signed playlists: texts that name other files, and the pieces of films in the making."""

from collections.abc import AsyncIterator

from litestar import Response, Router, get
from litestar.params import FromPath
from litestar.response import Stream

from renderowl.api.access import Ctx
from renderowl.api.limits import UNLIMITED
from renderowl.services import playing


@get("/{token:str}/{name:str}", include_in_schema=False)
async def play(ctx: Ctx, token: FromPath[str], name: FromPath[str]) -> Response[bytes] | Stream:
    """Serve a file of the render that the token opens. A playlist that still grows is to be asked for again."""
    played = await playing.serve(ctx, token, name)
    headers = {
        "cache-control": "private, max-age=3600, immutable" if played.lasting else "private, no-cache",
        "content-security-policy": "sandbox; default-src 'none'",
        "content-length": str(played.size_bytes),
    }
    if isinstance(played.body, AsyncIterator):
        return Stream(played.body, headers=headers, media_type=played.content_type)
    return Response(played.body, headers=headers, media_type=played.content_type)


router = Router("/play", route_handlers=[play], opt=UNLIMITED)
