"""The dashboard as it is served: by Python alone, allowed nothing but its own files."""

import re

import httpx
import pytest

from renderowl.testing.serving import World


@pytest.fixture
async def http(world: World) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=world.http_url, timeout=30, follow_redirects=True)


def loads(page: str) -> list[str]:
    """What a page loads."""
    return re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page)


async def test_who_opens_the_service_in_a_browser_is_shown_the_dashboard(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 200
    assert page.url.path == "/dashboard"
    assert page.headers["cache-control"] == "no-cache"
    assert len(loads(page.text)) >= 3
    for name in loads(page.text):
        answer = await http.get(str(page.url.join(name)))
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"].endswith("immutable")
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")


async def test_every_place_within_it_is_the_page(http: httpx.AsyncClient) -> None:
    page = await http.get("/dashboard")
    for place in ("/dashboard/", "/dashboard/projects/prj_1/renders/rnd_1", "/dashboard/nowhere"):
        assert (await http.get(place)).text == page.text


async def test_it_is_told_the_address_that_its_session_counts_at(http: httpx.AsyncClient, world: World) -> None:
    page = (await http.get("/dashboard")).text
    assert f'name="renderowl-base-url" content="{world.http_url}"' in page
    assert "{{" not in page


async def test_nothing_inline_and_nothing_from_elsewhere(http: httpx.AsyncClient, world: World) -> None:
    page = await http.get("/dashboard")
    said = {
        name: values for name, *values in (part.split() for part in page.headers["content-security-policy"].split(";"))
    }
    assert said["default-src"] == said["base-uri"] == said["frame-ancestors"] == said["form-action"] == ["'none'"]
    assert said["script-src"] == said["style-src"] == ["'self'"]
    assert {value for values in said.values() for value in values if "/" in value} == {world.http_url}
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page.text)


@pytest.mark.parametrize("name", ["none.js", "..%2Findex.html", "..%2f..%2fdocs.html", "%00", "assets"])
async def test_no_other_file_is_had(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/dashboard/assets/{name}")).status_code == 404
