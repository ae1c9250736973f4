"""The two routes hand-written in FastAPI: `python fastapi_peer.py <port>`."""

import contextlib
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from rows import Rows

rows = Rows()
Text = Annotated[str, Header()]


class RenderAsked(BaseModel):
    composition_id: str
    input_props: dict[str, Any]
    output_settings: dict[str, Any] = {}
    priority: str = "normal"


@contextlib.asynccontextmanager
async def opened(_: FastAPI) -> AsyncIterator[None]:
    await rows.open()
    yield
    await rows.close()


app = FastAPI(lifespan=opened)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/projects/{project_id}/renders/{render_id}/progress")
async def get_progress(project_id: str, render_id: str, authorization: Text = "", if_none_match: Text = "") -> Response:
    user_id = await rows.caller(authorization)
    if user_id is None:
        raise HTTPException(401)
    render = await rows.render(user_id, project_id, render_id)
    if render is None:
        raise HTTPException(404)
    progress = await rows.progress(render_id)
    seen = f"{render['attempt']} {render['status']} {render['updated_at']} {progress!r}"
    tag = f'"{hashlib.sha256(seen.encode()).hexdigest()[:20]}"'
    if if_none_match == tag:
        return Response(status_code=304, headers={"etag": tag})
    told = json.dumps({"render_id": render_id, "status": render["status"], "progress": json.loads(progress)})
    return Response(told, media_type="application/json", headers={"etag": tag})


@app.post("/projects/{project_id}/renders", status_code=202)
async def create_render(project_id: str, data: RenderAsked, authorization: Text = "") -> dict[str, Any]:
    user_id = await rows.caller(authorization)
    if user_id is None:
        raise HTTPException(401)
    made = await rows.create(user_id, project_id, data.model_dump(), json.dumps(data.input_props))
    if made is None:
        raise HTTPException(404)
    return made


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, http="h11")
