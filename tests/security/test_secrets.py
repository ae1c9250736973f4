"""No secret is in a log or, but for their hashes, in the database, whatever is asked and however."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from renderowl.testing.deployment import Deployment, open_deployment


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as deployment:
        yield deployment


async def test_a_log_has_no_secret_in_it_whatever_is_asked(deployment: Deployment) -> None:
    """Everything that is a secret, sent in every way there is, at the most talkative level."""
    api, port = await deployment.api(log_level="debug")
    base_url = f"http://127.0.0.1:{port}"
    password = "correct horse battery staple"
    credentials = {"email": "ann@example.org", "password": password}
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as http:
        await http.post("/auth/register", json=credentials)
        wrong = {**credentials, "password": "almost " + password}
        assert (await http.post("/auth/login", json=wrong)).status_code == 401
        session = (await http.post("/auth/login", json=credentials)).json()["access_token"]
        http.cookies.clear()
        ann = {"authorization": f"Bearer {session}"}
        project_id = (await http.post("/projects", json={"name": "x"}, headers=ann)).json()["id"]
        key = (await http.post("/keys", json={"name": "k"}, headers=ann)).json()
        new = (await http.post(f"/keys/{key['id']}/rotate", json={"grace_s": 0}, headers=ann)).json()
        asked = {"project_id": project_id}
        token = (await http.post("/auth/tokens", json=asked, headers=ann)).json()["token"]
        ticket = (await http.post("/ws/tickets", json=asked, headers=ann)).json()["ticket"]
        announced = {"name": "a.vtt", "content_type": "text/vtt", "size_bytes": 9}
        upload = (await http.post(f"/projects/{project_id}/assets/upload", json=announced, headers=ann)).json()[
            "upload"
        ]
        url = upload["url"].replace("http://testserver", base_url)
        secrets = [password, session, key["key"], new["key"], token, ticket, *_signatures(url)]
        assert len(secrets) == 7
        for secret in (session, key["key"], new["key"], token, "ro_live_" + "x" * 38):
            for path in ("/projects", "/me", f"/projects?token={secret}", f"/nowhere/{project_id}?key={secret}"):
                await http.get(path, headers={"authorization": f"Bearer {secret}"})
            await http.get("/me", headers={"authorization": f"Basic {secret}"})
            await http.get("/me", headers={"cookie": f"renderowl_session={secret}"})
            await http.post("/projects", content=b'{"name": "' + secret.encode(), headers=ann)
        await http.put(url.replace("signature=", "signature=x"), content=b"WEBVTT\n\n\n", headers=upload["headers"])
        await http.put(url, content=b"WEBVTT\n\n\n", headers=upload["headers"])
    said = api.log.read_text()
    assert '"path": "/projects"' in said
    assert [secret for secret in secrets if secret in said] == []
    settings = deployment.ctx.settings
    for hidden in (settings.secret_key, settings.auth_token, settings.database_url, settings.redis_url):
        assert hidden not in said
    await _nor_has_the_database(deployment, [key["key"], new["key"], password, session, token, ticket])


def _signatures(url: str) -> list[str]:
    """What makes a signed URL worth something."""
    return re.findall(r"[?&]signature=([^&]+)", url)


async def _nor_has_the_database(deployment: Deployment, secrets: list[str]) -> None:
    for table in ("users", "api_keys", "revoked_tokens", "projects", "assets", "events", "key_usage"):
        rows = "\n".join(str(tuple(row)) for row in await deployment.ctx.db.fetch(f"SELECT * FROM {table}"))
        assert [secret for secret in secrets if secret in rows] == [], table
