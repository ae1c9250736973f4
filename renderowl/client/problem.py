"""What the server answers when it does not do what it was asked, and how a render can end badly."""

from typing import Any

import msgspec

from renderowl.client.resources import Render


class Problem(Exception):
    """A request that was refused, with its problem document; `code` is the stable name of the error."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.status = int(document.get("status", 0))
        self.code = str(document.get("code", "unknown"))
        self.detail = str(document.get("detail") or document.get("message") or document.get("title") or self.code)
        self.retryable = bool(document.get("retryable", self.status in (429, 502, 503, 504)))
        places = "".join(f"\n  {error.get('path')}: {error.get('message')}" for error in document.get("errors", []))
        super().__init__(f"{self.code}: {self.detail}{places}")

    @classmethod
    def of(cls, status: int, body: bytes) -> "Problem":
        """Read an answer; one that is no problem document (a proxy's page) becomes one."""
        try:
            document = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            document = {"detail": body[:200].decode(errors="replace")}
        return cls({**document, "status": status})


class RenderFailed(Problem):
    """The render ended as `failed`; `code` and `detail` say why, `retryable` whether another attempt may succeed."""

    def __init__(self, render: Render) -> None:
        super().__init__({"code": "internal", **(render.error or {})})
        self.render = render


class RenderCancelled(Problem):
    """The render was cancelled, by this client or by somebody else."""

    def __init__(self, render: Render) -> None:
        super().__init__({"code": "cancelled", "detail": f"{render.id} was cancelled"})
        self.render = render
