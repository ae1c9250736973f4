"""Users as administrators see them: who there is, and on which tier."""

from renderowl.db import accounts
from renderowl.domain.errors import FieldError, Forbidden, NotFound, ValidationFailed
from renderowl.domain.ids import is_id
from renderowl.domain.records import Principal, Tier, User
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut


async def list_page(
    ctx: Context, principal: Principal, page: PageRequest, *, email: str | None = None, tier: Tier | None = None
) -> Page[User]:
    """All users, newest first; those whose address contains `email`, those of one tier."""
    require_administrator(principal)
    if email is not None and "\x00" in email:
        raise ValidationFailed(errors=[FieldError("/email", "must not contain NUL characters")])
    found = await accounts.list_users(
        ctx.db, before_id=page.before_id("usr"), limit=page.limit + 1, email=email, tier=tier
    )
    return cut(found, page.limit, [user.id for user in found])


async def get(ctx: Context, principal: Principal, user_id: str) -> User:
    """One user. Raises NotFound."""
    require_administrator(principal)
    user = await accounts.get_user(ctx.db, user_id) if is_id(user_id, "usr") else None
    if user is None:
        raise NotFound(f"there is no user {user_id!r}")
    return user


async def set_tier(ctx: Context, principal: Principal, user_id: str, tier: Tier) -> User:
    """Put a user on a tier; it counts from their next request on."""
    user = await get(ctx, principal, user_id)
    await accounts.set_tier(ctx.db, user.id, tier)
    return await get(ctx, principal, user_id)


def require_administrator(principal: Principal) -> None:
    """Raise Forbidden unless the principal may look after the whole installation."""
    if not principal.is_admin:
        raise Forbidden("this needs an administrator's credential with the scope `admin`")
