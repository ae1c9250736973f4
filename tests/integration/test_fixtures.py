"""The fixtures other tests stand on."""

import asyncpg
import redis.asyncio


async def test_a_test_gets_a_migrated_database_of_its_own(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, ssl=False)
    try:
        assert await connection.fetchval("SELECT to_regclass('renders')") or await connection.fetchval(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        )
    finally:
        await connection.close()


async def test_a_test_gets_an_empty_valkey(redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", "behind")


async def test_what_a_test_leaves_in_valkey_is_gone_in_the_next(redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.get("left") is None
