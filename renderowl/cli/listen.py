"""`renderowl listen`: a project's webhooks to a port of this machine, wherever it is."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import msgspec
import rich_click as click

from renderowl.cli.server_options import plainly, require_key, server_options
from renderowl.client import Client, RoomFilter, RoomMessage
from renderowl.domain.events import WEBHOOK_EVENTS
from renderowl.security import standard_webhooks


@click.command("listen")
@click.argument("target", metavar="URL")
@server_options(required=True)
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(sorted(WEBHOOK_EVENTS)),
    help="Only this one; may be repeated.",
)
@click.option("--since", help="Begin behind this cursor instead of now.")
def command(
    target: str, server: str, key: str | None, project_id: str, events: tuple[str, ...], since: str | None
) -> None:
    """Send what happens in a project to URL as webhooks, signed as the real ones are. Ctrl-C ends.

    It hears the project's room, so nothing has to reach this machine from outside. URL may be just a port, or a port and a path.
    """
    address = _address(target)
    wanted = frozenset(events) or WEBHOOK_EVENTS
    with contextlib.suppress(KeyboardInterrupt), plainly(server):
        asyncio.run(_listen(server, require_key(key), project_id, address, wanted, since, click.echo))


def _address(target: str) -> str:
    """The whole URL; raises BadParameter for what is none."""
    if target.startswith(("http://", "https://")):
        return target
    port = target.partition("/")[0]
    if "://" not in target and (port.isdigit() or ":" in port):
        return f"http://{target}" if ":" in port else f"http://127.0.0.1:{target}"
    raise click.BadParameter(
        f"{target!r} is none of a port (3000), a port and a path (3000/hooks) and a URL", param_hint="URL"
    )


async def _listen(
    server: str,
    key: str,
    project_id: str,
    address: str,
    wanted: frozenset[str],
    since: str | None,
    say: Callable[[str], None],
) -> None:
    async with Client(server, key) as client, httpx.AsyncClient(timeout=15.0) as local:
        secret = await client.webhook_secret(project_id)
        say(f"signed with {secret}")
        room = client.room(project_id, since=since, filter=RoomFilter(types=["state"]))
        async for message in room:
            if message.type == "snapshot" and since is None:
                say(f"listening, from {room.cursor} on")
            if message.type in wanted:
                said = await _forward(local, address, secret, project_id, message, f"lsn_{room.cursor}")
                say(f"{message.type} {message.render_id or message.asset_id or ''} -> {said}")


async def _forward(
    local: httpx.AsyncClient, address: str, secret: str, project_id: str, message: RoomMessage, message_id: str
) -> str:
    """Send one event once; what came of it, in a word."""
    about = {"render_id": message.render_id, "asset_id": message.asset_id}
    now = datetime.now(UTC)
    body = msgspec.json.encode(
        {
            "type": message.type,
            "timestamp": now.isoformat().replace("+00:00", "Z"),
            "project_id": project_id,
            **{name: value for name, value in about.items() if value},
            "data": message.data,
        }
    )
    headers = standard_webhooks.headers([standard_webhooks.key_of(secret)], message_id, int(now.timestamp()), body)
    try:
        answer = await local.post(address, content=body, headers={"Content-Type": "application/json", **headers})
    except httpx.TransportError as error:
        return f"not taken: {error or type(error).__name__}"
    return str(answer.status_code)
