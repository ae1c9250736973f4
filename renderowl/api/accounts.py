"""Routes of accounts: registering, sessions, keys, tokens and tickets."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from renderowl.api import session_cookie
from renderowl.api.access import Caller, Ctx, PageAsked, comes_from_us
from renderowl.api.bodies import Body
from renderowl.api.moments import read_moment, rfc3339
from renderowl.api.peers import address_of
from renderowl.domain.records import ApiKey, Role, Scope, Tier, User
from renderowl.domain.spec.fields import Spec
from renderowl.services import accounts, limits, quotas, usage
from renderowl.services.limits import Allowance
from renderowl.services.paging import Page
from renderowl.services.quotas import Quotas
from renderowl.services.usage import KeyUsage

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
KeyName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Moment = Annotated[str, msgspec.Meta(max_length=40, description="RFC 3339, with a time zone")]
Ttl = Annotated[int, msgspec.Meta(ge=10, le=accounts.MAX_TOKEN_TTL_S)]
Grace = Annotated[
    int, msgspec.Meta(ge=0, le=accounts.MAX_ROTATION_GRACE_S, description="Seconds that the old key lives on")
]
Days = Annotated[int, QueryParameter(ge=1, le=usage.KEPT_DAYS, description="So many days, today included")]


class Credentials(Spec, frozen=True):
    """Address and password."""

    email: Text
    password: Text


class KeyCreate(Spec, frozen=True):
    """A new key: what it may do and until when."""

    name: KeyName
    scopes: tuple[Scope, ...] = ("read", "write")
    expires_at: Moment | None = None


class KeyRotate(Spec, frozen=True):
    """How long the old key lives on beside the new one."""

    grace_s: Grace = accounts.ROTATION_GRACE_S


FOR_A_DAY: Final = KeyRotate()
_NOT_KEPT: Final = {"cache-control": "no-store"}
"""For the one answer with a credential in it whose caller is not known before it."""


class TokenCreate(Spec, frozen=True):
    """A token for a browser: one project, some scopes, some seconds."""

    project_id: Text
    scopes: tuple[Scope, ...] = ("read",)
    ttl_s: Ttl = 3600


class TicketCreate(Spec, frozen=True):
    project_id: Text


class UserView(msgspec.Struct, frozen=True):
    id: str
    email: str
    role: Role
    tier: Tier
    created_at: datetime


class MeView(msgspec.Struct, frozen=True):
    """The account behind a credential, and what it may do. Whoever has a project's token is told no address."""

    id: str
    email: str | None
    role: Role
    tier: Tier
    created_at: datetime
    limits: Allowance
    quotas: Quotas


class SessionView(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int
    token_type: str = "bearer"  # noqa: S105 - RFC 6750's word


class KeyView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key; `key` is its plaintext, which only the answer that makes it has."""

    id: str
    name: str
    last_four: str
    scopes: list[Scope]
    created_at: datetime
    key: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class TokenView(msgspec.Struct, frozen=True):
    token: str
    expires_at: str


class TicketView(msgspec.Struct, frozen=True):
    ticket: str
    expires_at: str


def user_view(user: User) -> UserView:
    """What is told of a user."""
    return UserView(user.id, user.email, user.role, user.tier, user.created_at)


def _key_view(key: ApiKey, plaintext: str | None = None) -> KeyView:
    fields = {name: getattr(key, name) for name in KeyView.__struct_fields__ if name != "key"}
    return KeyView(**fields, key=plaintext)


@post("/auth/register", dto=Body[Credentials], return_dto=None, summary="Register")
async def register(request: Request[Any, Any, Any], ctx: Ctx, data: JSONBody[Credentials]) -> UserView:
    """Make an account. How many may be made from one address is limited."""
    address = address_of(request.scope)
    return user_view(await accounts.register(ctx, email=data.email, password=data.password, address=address))


@post("/auth/login", dto=Body[Credentials], return_dto=None, status_code=200, summary="Log in")
async def login(request: Request[Any, Any, Any], ctx: Ctx, data: JSONBody[Credentials]) -> Response[SessionView]:
    """Get a session token, in the answer and as a cookie that scripts cannot read.

    A page of a foreign origin gets no cookie set: it could log its visitor in as somebody else. The session that the
    browser had before ends. Attempts are limited for each address and for each account.
    """
    address = address_of(request.scope)
    token, _ = await accounts.login(ctx, email=data.email, password=data.password, address=address)
    view = SessionView(token, ctx.settings.session_ttl_s)
    if "origin" in request.headers and not comes_from_us(request):
        return Response(view, status_code=200, headers=_NOT_KEPT)
    before = session_cookie.session_of(request, ctx.settings)
    if before is not None:
        await accounts.end_session(ctx, before)
    cookies = [session_cookie.made(ctx.settings, token)]
    return Response(view, status_code=200, headers=_NOT_KEPT, cookies=cookies)


@post("/auth/logout", status_code=204, summary="Log out")
async def logout(ctx: Ctx, principal: Caller) -> Response[None]:
    """End this session; its token is refused from now on."""
    await accounts.logout(ctx, principal)
    response: Response[None] = Response(None, status_code=204)
    session_cookie.clear(response, ctx.settings)
    return response


@get("/me", summary="Get your account")
async def get_me(ctx: Ctx, principal: Caller) -> MeView:
    """The account behind your credential, with its limits and what it has; null is without limit."""
    user = await accounts.me(ctx, principal)
    allowance = await limits.allowance(ctx, principal)
    email = user.email if principal.project_id is None else None
    has = await quotas.of_account(ctx, user.id, user.tier)
    return MeView(user.id, email, user.role, user.tier, user.created_at, allowance, has)


@get("/keys", summary="List API keys")
async def list_keys(ctx: Ctx, principal: Caller, page: PageAsked) -> Page[KeyView]:
    """Your keys, newest first; revoked ones too."""
    found = await accounts.list_keys(ctx, principal, page)
    return Page([_key_view(key) for key in found.items], found.next_cursor)


@post("/keys", dto=Body[KeyCreate], return_dto=None, summary="Create an API key")
async def create_key(ctx: Ctx, principal: Caller, data: JSONBody[KeyCreate]) -> KeyView:
    """The plaintext is in this answer and nowhere else."""
    expires_at = None if data.expires_at is None else read_moment("/expires_at", data.expires_at)
    made = await accounts.create_key(ctx, principal, name=data.name, scopes=list(data.scopes), expires_at=expires_at)
    return _key_view(made.key, made.plaintext)


@delete("/keys/{key_id:str}", summary="Revoke an API key")
async def revoke_key(ctx: Ctx, principal: Caller, key_id: FromPath[str]) -> None:
    """It is refused from now on, and so are the tokens it made."""
    await accounts.revoke_key(ctx, principal, key_id)


@post("/keys/{key_id:str}/rotate", dto=Body[KeyRotate], return_dto=None, summary="Rotate an API key")
async def rotate_key(
    ctx: Ctx, principal: Caller, key_id: FromPath[str], data: JSONBody[KeyRotate] = FOR_A_DAY
) -> KeyView:
    """A new key like this one; the old one lives on for a day, or for `grace_s`."""
    made = await accounts.rotate_key(ctx, principal, key_id, grace_s=data.grace_s)
    return _key_view(made.key, made.plaintext)


@get("/keys/{key_id:str}/usage", summary="Get an API key's usage")
async def get_usage(ctx: Ctx, principal: Caller, key_id: FromPath[str], days: Days = 30) -> KeyUsage:
    """Requests by day and route, of the key and of the tokens it made, about ten seconds behind."""
    return await usage.of_key(ctx, principal, key_id, days=days)


@post("/auth/tokens", dto=Body[TokenCreate], return_dto=None, summary="Mint a project token")
async def create_token(ctx: Ctx, principal: Caller, data: JSONBody[TokenCreate]) -> TokenView:
    """A short JWT for one project: what an editor's backend hands its browser."""
    token, claims = await accounts.mint_token(
        ctx, principal, data.project_id, scopes=list(data.scopes), ttl_s=data.ttl_s
    )
    return TokenView(token, rfc3339(claims.exp))


@post("/ws/tickets", dto=Body[TicketCreate], return_dto=None, summary="Get a socket ticket")
async def create_ticket(
    request: Request[Any, Any, Any], ctx: Ctx, principal: Caller, data: JSONBody[TicketCreate]
) -> TicketView:
    """Good for one socket within 30 s, from the page that asked for it."""
    ticket = await accounts.issue_ticket(ctx, principal, data.project_id, request.headers.get("origin"))
    return TicketView(ticket.ticket, rfc3339(ticket.expires_at))


handlers = [
    register,
    login,
    logout,
    get_me,
    list_keys,
    create_key,
    revoke_key,
    rotate_key,
    get_usage,
    create_token,
    create_ticket,
]
