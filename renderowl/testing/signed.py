"""Webhooks as RenderOwl sends them, signed, for tests of whoever receives them; nothing has to run."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from renderowl.db.database import to_json
from renderowl.domain.ids import new_id
from renderowl.security import standard_webhooks
from renderowl.services.publishing import envelope


@dataclass(frozen=True)
class SignedWebhook:
    """A request's body and headers, as they are sent."""

    body: bytes
    headers: dict[str, str]


class WebhookSigner:
    """Makes webhooks of one receiver. `secret` is what the receiver verifies with."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    @property
    def secret(self) -> str:
        """`whsec_...`."""
        return standard_webhooks.told_secret(self._key)

    def __call__(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        *,
        project_id: str = "prj_of_the_test",
        delivery_id: str | None = None,
        age_s: float = 0.0,
        **about: str,
    ) -> SignedWebhook:
        """A webhook of this event, sent `age_s` ago. `about` are `render_id` or `asset_id`, beside the project's."""
        body = to_json(envelope(type, project_id, data or {}, **about)).encode()
        signed = standard_webhooks.headers([self._key], delivery_id or new_id("dlv"), int(time.time() - age_s), body)
        return SignedWebhook(body, {"content-type": "application/json", **signed})
