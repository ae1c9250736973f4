"""What the server answers when it does not do what it was asked."""

from typing import Any

import msgspec


class Problem(Exception):
    """A request that was refused, with its problem document; `code` is the stable name of the error."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.status = int(document.get("status", 0))
        self.code = str(document.get("code", "unknown"))
        self.detail = str(document.get("detail") or document.get("title") or self.code)
        places = "".join(f"\n  {error.get('path')}: {error.get('message')}" for error in document.get("errors", []))
        super().__init__(f"{self.code}: {self.detail}{places}")

    @classmethod
    def of(cls, status: int, body: bytes) -> "Problem":
        """Read an answer; one that is no problem document (a proxy's page) becomes one."""
        try:
            document = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            document = {"detail": body[:200].decode(errors="replace")}
        return cls({"status": status, **document})
