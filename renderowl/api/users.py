"""Routes of users, for administrators."""

from typing import Annotated

from litestar import Router, get, patch
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.accounts import UserView, user_view
from renderowl.api.bodies import Body
from renderowl.domain.records import Tier
from renderowl.domain.spec.fields import Spec
from renderowl.services import users
from renderowl.services.paging import Page

Email = Annotated[str | None, QueryParameter(description="Those whose address contains this", max_length=254)]


class UserUpdate(Spec, frozen=True):
    """What to change of a user."""

    tier: Tier


@get("/", summary="List users")
async def list_users(
    ctx: Ctx, principal: Caller, page: PageAsked, email: Email = None, tier: FromQuery[Tier | None] = None
) -> Page[UserView]:
    """Everybody with an account, newest first. Needs an administrator's credential."""
    found = await users.list_page(ctx, principal, page, email=email, tier=tier)
    return Page([user_view(user) for user in found.items], found.next_cursor)


@get("/{user_id:str}", summary="Get a user")
async def get_user(ctx: Ctx, principal: Caller, user_id: FromPath[str]) -> UserView:
    """One user. Needs an administrator's credential."""
    return user_view(await users.get(ctx, principal, user_id))


@patch("/{user_id:str}", dto=Body[UserUpdate], return_dto=None, summary="Change a user's tier")
async def update_user(ctx: Ctx, principal: Caller, user_id: FromPath[str], data: JSONBody[UserUpdate]) -> UserView:
    """Its limits count from the user's next request on. Needs an administrator's credential."""
    return user_view(await users.set_tier(ctx, principal, user_id, data.tier))


router = Router("/users", route_handlers=[list_users, get_user, update_user])
