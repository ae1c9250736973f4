"""Settings over a test's own servers, without any rate limit: tests make accounts and ask as fast as they can."""

from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl import settings

_LIMITS: Final = (
    "requests_per_minute_",
    "renders_per_day_",
    "logins_per_",
    "registrations_per_",
    "projects_",
    "keys_",
    "storage_bytes_",
)

UNLIMITED: Final[dict[str, int]] = {
    field.name: 0 for field in msgspec.structs.fields(settings.Settings) if field.name.startswith(_LIMITS)
}


def settings_over(database_url: str, redis_url: str, storage_dir: Path, **more: Any) -> settings.Settings:
    """Settings over these servers and local storage in this folder; `more` of them replace what is set here."""
    over: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "storage_url": f"file://{storage_dir}",
        "secret_key": "a secret key of the tests, long enough",
        "public_url": "http://testserver",
    }
    return settings.load({}, **over | UNLIMITED | more)
