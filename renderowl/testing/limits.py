"""Settings without any rate limit: tests make accounts and ask as fast as they can."""

from typing import Final

import msgspec

from renderowl.settings import Settings

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
    field.name: 0 for field in msgspec.structs.fields(Settings) if field.name.startswith(_LIMITS)
}
