"""Keys that stay and tokens that are renewed."""

import asyncio

import httpx

from renderowl.client.credential import Bearer, Credential


async def test_a_key_stays_what_it_is() -> None:
    credential = Credential("key")
    assert await credential.get() == "key"
    assert await credential.renew("key") is None


async def test_everybody_who_needs_a_new_token_at_once_gets_the_same() -> None:
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return f"token-{asked}"

    credential = Credential(token)
    assert await credential.get() == "token-1"
    assert await asyncio.gather(*(credential.renew("token-1") for _ in range(3))) == ["token-2"] * 3


async def test_a_request_that_is_refused_for_its_token_is_sent_again_with_a_newer_one() -> None:
    tokens = iter(["old", "new"])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["Authorization"] == "Bearer new" else 401)

    auth = Bearer(Credential(lambda: next(tokens)))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as http:
        assert (await http.get("http://server/")).status_code == 200
