"""Pages of other origins: those that are allowed may call the API with a token, the others may not."""

from collections.abc import AsyncIterator

import httpx
import pytest

from renderowl.testing.serving import ORIGIN, World


@pytest.fixture
async def page(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A page of an allowed origin."""
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {world.key}"}
    async with httpx.AsyncClient(base_url=world.http_url, headers=headers, timeout=10) as client:
        yield client


async def preflight(world: World, path: str, method: str, headers: str, origin: str = ORIGIN) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    async with httpx.AsyncClient(base_url=world.http_url) as client:
        return await client.options(path, headers=asked)


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/projects", "POST", "authorization,content-type"),
        ("/projects/prj_1/renders", "POST", "authorization,content-type,idempotency-key"),
        ("/projects/prj_1/renders/rnd_1/progress", "GET", "authorization,if-none-match"),
        ("/projects/prj_1/events", "GET", "authorization,last-event-id"),
        ("/storage/prj_1/ast_1", "PUT", "content-type"),
        ("/storage/prj_1/ast_1", "GET", "range"),
    ],
)
async def test_an_allowed_page_may_ask_for_what_clients_need(
    world: World, path: str, method: str, headers: str
) -> None:
    answer = await preflight(world, path, method, headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert set(headers.split(",")) <= allowed
    assert "origin" in answer.headers["vary"].lower()


async def test_an_allowed_page_reads_answers_and_refusals_with_their_headers(
    world: World, page: httpx.AsyncClient
) -> None:
    for path, status in (("/projects", 200), ("/projects/prj_none", 404), ("/nowhere", 404)):
        answer = await page.get(path)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed >= {"etag", "location", "retry-after", "x-request-id", "idempotency-replayed"}


async def test_no_page_may_use_the_session_cookie_across_origins(world: World, page: httpx.AsyncClient) -> None:
    assert "access-control-allow-credentials" not in (await page.get("/projects")).headers
    answer = await preflight(world, "/projects", "POST", "content-type")
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", "http://editor.example"])
async def test_a_page_of_another_origin_is_told_nothing(world: World, page: httpx.AsyncClient, origin: str) -> None:
    refused = await preflight(world, "/projects", "POST", "authorization", origin)
    answer = await page.get("/projects", headers={"Origin": origin})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in {*refused.headers, *answer.headers}
