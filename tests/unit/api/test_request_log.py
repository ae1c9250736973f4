"""What is logged of a request holds nothing that signs."""

from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from renderowl.api.request_log import request_log


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/play/rnd_1.1790000000.abcdef/preview.m3u8", "/play/.../preview.m3u8"),
        ("/projects/prj_1", "/projects/prj_1"),
    ],
)
async def test_what_signs_a_path_is_not_logged(monkeypatch: pytest.MonkeyPatch, path: str, logged: str) -> None:
    said = LogCapture()
    monkeypatch.setattr("renderowl.api.request_log.log", structlog.wrap_logger(None, processors=[said]))

    async def send(message: Any) -> None:
        assert message["status"] == 200

    scope: Any = {"type": "http", "method": "GET", "path": path, "headers": [], "client": ("127.0.0.1", 1), "state": {}}
    await request_log(answer)(scope, send, send)
    assert [line["path"] for line in said.entries if line["event"] == "request"] == [logged]
