"""The limiter on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import redis.asyncio

from renderowl.embedded.process import free_port
from renderowl.limits.base import LimiterUnavailable, Window
from renderowl.limits.redis import RedisLimiter
from renderowl.testing.tcp_proxy import TcpProxy

WINDOW = Window("requests", 5, 60)


@pytest.fixture
async def limiter(redis_url: str) -> AsyncIterator[RedisLimiter]:
    limiter = RedisLimiter(redis_url)
    yield limiter
    await limiter.close()


async def test_exactly_so_many_are_let_in_however_many_ask_at_once(redis_url: str) -> None:
    several = [RedisLimiter(redis_url) for _ in range(3)]
    answers = await asyncio.gather(*(several[n % 3].hit(WINDOW, "ann") for n in range(30)))
    assert sum(one.admitted for one in answers) == 5
    for each in several:
        await each.close()


async def test_a_standing_counts_down_to_a_refusal_that_says_when_to_come_back(limiter: RedisLimiter) -> None:
    stands = [await limiter.hit(WINDOW, "ann") for _ in range(7)]
    assert [one.remaining for one in stands] == [4, 3, 2, 1, 0, 0, 0]
    assert [one.admitted for one in stands] == [True] * 5 + [False] * 2
    assert all(0 < one.reset_s <= 60 for one in stands)


async def test_the_window_slides_with_the_oldest(limiter: RedisLimiter) -> None:
    """Two of five are made older than the window: there is room for exactly two."""
    for _ in range(5):
        await limiter.hit(WINDOW, "ann")
    async with redis.asyncio.Redis.from_url(limiter_url(limiter)) as server:
        [key] = await server.keys("renderowl:limits:*")
        moments = await server.lrange(key, 0, -1)
        for place in (-1, -2):
            await server.lset(key, place, float(moments[place]) - 60)
    assert [(await limiter.hit(WINDOW, "ann")).admitted for _ in range(3)] == [True, True, False]


async def test_windows_and_people_are_counted_apart_and_may_begin_anew(limiter: RedisLimiter) -> None:
    for _ in range(5):
        await limiter.hit(WINDOW, "ann")
    assert (await limiter.hit(WINDOW, "bob")).remaining == 4
    assert (await limiter.hit(Window("logins", 5, 60), "ann")).remaining == 4
    await limiter.forget(WINDOW, "ann")
    assert (await limiter.hit(WINDOW, "ann")).remaining == 4


async def test_nothing_is_left_of_a_window_when_it_is_over(limiter: RedisLimiter) -> None:
    await limiter.hit(WINDOW, "ann")
    async with redis.asyncio.Redis.from_url(limiter_url(limiter)) as server:
        [key] = await server.keys("*")
        assert 0 < await server.ttl(key) <= 60


async def test_without_redis_it_says_so() -> None:
    limiter = RedisLimiter(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(2):
        with pytest.raises(LimiterUnavailable):
            await limiter.hit(WINDOW, "ann")
    await limiter.close()


async def test_a_redis_that_stalls_is_waited_for_once_not_by_everybody(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    assert parts.port is not None
    proxy = TcpProxy(parts.port)
    async with proxy.serve() as port:
        limiter = RedisLimiter(redis_url.replace(f":{parts.port}/", f":{port}/"))
        assert (await limiter.hit(WINDOW, "ann")).admitted
        proxy.hold()
        with pytest.raises(LimiterUnavailable, match="in time"):
            await limiter.hit(WINDOW, "ann")
        with pytest.raises(LimiterUnavailable, match=r"does not answer$"):
            await limiter.hit(WINDOW, "ann")
        await limiter.close()


def limiter_url(limiter: RedisLimiter) -> str:
    return str(limiter._storage.bridge.uri)
