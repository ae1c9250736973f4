"""Moments as requests and answers have them: RFC 3339."""

from datetime import UTC, datetime

from renderowl.domain.errors import FieldError, ValidationFailed


def rfc3339(unix_s: float) -> str:
    """A moment in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read_moment(path: str, text: str) -> datetime:
    """Read a moment. Raises ValidationFailed naming `path`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationFailed(errors=[FieldError(path, "must be RFC 3339 with a time zone, 2027-01-31T12:00:00Z")])
    return moment
