"""The page that shows the API's documents: whole, from this server alone, and with no script that is not a file of it."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from renderowl.testing.serving import World


class Loads(HTMLParser):
    """What a page loads, and whether it carries scripts of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.inline += 1
        self.files += [value for name in ("src", "href") if tag in ("script", "link") and (value := given.get(name))]


@pytest.fixture
async def http(world: World) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=world.http_url, timeout=30, follow_redirects=True)


async def test_the_api_is_there_to_read_and_try_in_a_browser(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    loads = Loads()
    loads.feed(page.text)
    assert loads.inline == 0
    assert len(loads.files) == 5
    for name in loads.files:
        answer = await http.get(str(page.url.join(name)))
        assert answer.status_code == 200, name
        assert len(answer.content) > 20
        assert answer.headers["x-content-type-options"] == "nosniff"
    script = (await http.get("/docs/swagger-ui-bundle.js")).text
    assert "SwaggerUIBundle" in script
    named = re.search(r'url: "([^"]+)"', (await http.get("/docs/page.js")).text)
    assert named is not None
    assert (await http.get(str(page.url.join(named[1])))).json()["openapi"].startswith("3.1")


async def test_the_page_may_load_and_ask_nothing_elsewhere(http: httpx.AsyncClient) -> None:
    policy = (await http.get("/docs")).headers["content-security-policy"]
    said = {name: values for name, *values in (part.split() for part in policy.split(";"))}
    assert said["default-src"] == ["'none'"]
    assert said["script-src"] == said["connect-src"] == ["'self'"]
    assert not any(value.startswith("http") or value == "*" for values in said.values() for value in values)


@pytest.mark.parametrize("name", ["swagger-ui.js", "..%2Fswagger.py", "..%2f..%2fapp.py", "%00", "index.html"])
async def test_no_other_file_is_served_beside_it(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get(f"/docs/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
