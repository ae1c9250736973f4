"""Cursor pagination: newest first, the cursor is the last id of the page before."""

from typing import Generic, TypeVar

import msgspec

from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.ids import Prefix, is_id

Item = TypeVar("Item")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list; `next_cursor` is None on the last one."""

    items: list[Item]
    next_cursor: str | None = None


class PageRequest(msgspec.Struct, frozen=True):
    """What a caller asks for: at most `limit` items older than the one `cursor` names."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def before_id(self, prefix: Prefix) -> str | None:
        """The id the page starts before. Raises ValidationFailed for a cursor that was never given out."""
        if self.cursor is None:
            return None
        if not is_id(self.cursor, prefix):
            raise ValidationFailed(errors=[FieldError("/cursor", "is not a cursor of this list")])
        return self.cursor


def cut(items: list[Item], limit: int, ids: list[str]) -> Page[Item]:
    """Make a page of up to `limit + 1` items that were read to see whether there are more."""
    more = len(items) > limit
    return Page(items[:limit], ids[limit - 1] if more else None)
