"""A shop that renders trailers with RenderOwl, hears how they come on, and sells those that are done."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

import httpx

YOUNG_S = 300


class Shop:
    """Orders of trailers, over RenderOwl's HTTP API."""

    def __init__(self, url: str, key: str, project_id: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/projects/{project_id}", headers={"authorization": f"Bearer {key}"})

    def order(self, title: str) -> str:
        """Have a trailer made; the order's number."""
        clip = {"type": "text", "text": title, "duration": 4}
        spec = {"composition_id": "timeline", "input_props": {"tracks": [{"clips": [clip]}]}}
        answer = self._http.post("/renders", json=spec).raise_for_status()
        return str(answer.json()["id"])

    def status(self, order: str) -> str:
        """What a customer is told of an order."""
        render = self._http.get(f"/renders/{order}").raise_for_status().json()
        match render["status"]:
            case "completed":
                return "yours to download"
            case "failed":
                return f"sorry: {render['error']['code']}"
            case _:
                return f"{render['progress']['percent']:.0f} %"

    def download(self, order: str) -> bytes:
        """The trailer."""
        place = self._http.get(f"/renders/{order}/output").raise_for_status().json()["url"]
        return httpx.get(place).raise_for_status().content


class Till:
    """Takes RenderOwl's webhooks and bills each trailer once."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen: set[str] = set()
        self.billed: list[str] = []

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status to answer with."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        if not any(hmac.compare_digest(right, one) for one in headers["webhook-signature"].split(" ")):
            return 401
        if abs(time.time() - int(headers["webhook-timestamp"])) > YOUNG_S:
            return 401
        told = json.loads(body)
        if told["type"] == "render.completed" and headers["webhook-id"] not in self._seen:
            self._seen.add(headers["webhook-id"])
            self.billed.append(told["render_id"])
        return 204
