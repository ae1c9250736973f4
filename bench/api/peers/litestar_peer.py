"""The two routes hand-written in bare Litestar: `python litestar_peer.py <port>`."""

import hashlib
import sys
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import NotAuthorizedException, NotFoundException
from rows import Rows

rows = Rows()


class RenderAsked(msgspec.Struct):
    composition_id: str
    input_props: dict[str, Any]
    output_settings: dict[str, Any] = {}
    priority: str = "normal"


@get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@get("/projects/{project_id:str}/renders/{render_id:str}/progress")
async def get_progress(request: Request[Any, Any, Any], project_id: str, render_id: str) -> Response[Any]:
    user_id = await rows.caller(request.headers.get("authorization", ""))
    if user_id is None:
        raise NotAuthorizedException()
    render = await rows.render(user_id, project_id, render_id)
    if render is None:
        raise NotFoundException()
    progress = await rows.progress(render_id)
    seen = f"{render['attempt']} {render['status']} {render['updated_at']} {progress!r}"
    tag = f'"{hashlib.sha256(seen.encode()).hexdigest()[:20]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(None, status_code=304, headers={"etag": tag})
    told = {"render_id": render_id, "status": render["status"], "progress": msgspec.Raw(progress)}
    return Response(told, headers={"etag": tag})


@post("/projects/{project_id:str}/renders", status_code=202)
async def create_render(request: Request[Any, Any, Any], project_id: str, data: RenderAsked) -> dict[str, Any]:
    user_id = await rows.caller(request.headers.get("authorization", ""))
    if user_id is None:
        raise NotAuthorizedException()
    asked = msgspec.structs.asdict(data)
    made = await rows.create(user_id, project_id, asked, msgspec.json.encode(data.input_props).decode())
    if made is None:
        raise NotFoundException()
    return made


app = Litestar([health, get_progress, create_render], on_startup=[rows.open], on_shutdown=[rows.close])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
