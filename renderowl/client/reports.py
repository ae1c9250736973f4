"""A worker's word on its step, sent to the API from where Redis cannot be reached."""

import hashlib
import hmac
import time
from typing import Any, Final

import httpx
import msgspec

from renderowl.client.problem import Problem

PATH: Final = "/v1/renders/webhooks/progress"


def sign_report(key: str, body: bytes, *, now: float | None = None) -> str:
    """The header `RenderOwl-Signature` of a body that is sent `now`."""
    timestamp = int(time.time() if now is None else now)
    signature = hmac.digest(key.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256)
    return f"t={timestamp},v1={signature.hex()}"


class RemoteReporter:
    """Reports one claim's step over `http`, whose base URL is the API's. A lost report is no harm: the next says more."""

    def __init__(self, http: httpx.AsyncClient, *, key: str, step_id: str, attempt: int) -> None:
        self._http = http
        self._key = key
        self._claim = {"step_id": step_id, "attempt": attempt}
        self._n = 0

    async def report(self, done: float, **more: Any) -> bool:
        """Say that `done`, 0..1, of the step is made; `more` are frames, stage, fps and speed. True when it was news.

        Raises Problem when the report is refused: `conflict` means that the claim is lost and the work is to be stopped.
        """
        self._n = max(self._n + 1, time.time_ns() // 1_000_000)  # grows even over a restart of this process
        body = msgspec.json.encode({**self._claim, "n": self._n, "done": done, **more})
        headers = {"content-type": "application/json", "renderowl-signature": sign_report(self._key, body)}
        try:
            answer = await self._http.post(PATH, content=body, headers=headers)
        except httpx.TransportError:
            return False
        if answer.is_server_error:
            return False
        if not answer.is_success:
            raise Problem.of(answer.status_code, answer.content)
        accepted: bool = answer.json()["accepted"]
        return accepted
