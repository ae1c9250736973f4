"""Routes of accounts: registering, sessions, keys, tokens and tickets."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, JSONBody

from renderowl.api.access import SESSION_COOKIE, Caller, Ctx, PageAsked, comes_from_us
from renderowl.api.assets import rfc3339
from renderowl.api.bodies import Body
from renderowl.domain.records import ApiKey, Role, Scope, Tier
from renderowl.domain.spec.fields import Spec
from renderowl.services import accounts
from renderowl.services.paging import Page

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
KeyName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Moment = Annotated[str, msgspec.Meta(max_length=40, description="RFC 3339, with a time zone")]
Ttl = Annotated[int, msgspec.Meta(ge=10, le=accounts.MAX_TOKEN_TTL_S)]


class Credentials(Spec, frozen=True):
    """Address and password."""

    email: Text
    password: Text


class KeyCreate(Spec, frozen=True):
    """A new key: what it may do and until when."""

    name: KeyName
    scopes: tuple[Scope, ...] = ("read", "write")
    expires_at: Moment | None = None


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


def _key_view(key: ApiKey, plaintext: str | None = None) -> KeyView:
    fields = {name: getattr(key, name) for name in KeyView.__struct_fields__ if name != "key"}
    return KeyView(**fields, key=plaintext)


@post("/auth/register", dto=Body[Credentials], return_dto=None, summary="Register")
async def register(ctx: Ctx, data: JSONBody[Credentials]) -> UserView:
    """Make an account."""
    user = await accounts.register(ctx, email=data.email, password=data.password)
    return UserView(user.id, user.email, user.role, user.tier, user.created_at)


@post("/auth/login", dto=Body[Credentials], return_dto=None, status_code=200, summary="Log in")
async def login(request: Request[Any, Any, Any], ctx: Ctx, data: JSONBody[Credentials]) -> Response[SessionView]:
    """Get a session token, in the answer and as a cookie that scripts cannot read.

    A page of a foreign origin gets no cookie set: it could log its visitor in as somebody else.
    """
    token, _ = await accounts.login(ctx, email=data.email, password=data.password)
    ttl_s = ctx.settings.session_ttl_s
    cookie = Cookie(
        key=SESSION_COOKIE,
        value=token,
        httponly=True,
        secure=ctx.settings.base_url.startswith("https:"),
        samesite="lax",
        max_age=ttl_s,
        path="/",
    )
    wanted = "origin" not in request.headers or comes_from_us(request)
    return Response(SessionView(token, ttl_s), status_code=200, cookies=[cookie] if wanted else [])


@post("/auth/logout", status_code=204, summary="Log out")
async def logout(ctx: Ctx, principal: Caller) -> Response[None]:
    """End this session; its token is refused from now on."""
    await accounts.logout(ctx, principal)
    response: Response[None] = Response(None, status_code=204)
    response.delete_cookie(SESSION_COOKIE)
    return response


@get("/me", summary="Get your account")
async def get_me(ctx: Ctx, principal: Caller) -> UserView:
    """The account behind your credential."""
    user = await accounts.me(ctx, principal)
    return UserView(user.id, user.email, user.role, user.tier, user.created_at)


@get("/keys", summary="List API keys")
async def list_keys(ctx: Ctx, principal: Caller, page: PageAsked) -> Page[KeyView]:
    """Your keys, newest first; revoked ones too."""
    found = await accounts.list_keys(ctx, principal, page)
    return Page([_key_view(key) for key in found.items], found.next_cursor)


@post("/keys", dto=Body[KeyCreate], return_dto=None, summary="Create an API key")
async def create_key(ctx: Ctx, principal: Caller, data: JSONBody[KeyCreate]) -> KeyView:
    """The plaintext is in this answer and nowhere else."""
    expires_at = None if data.expires_at is None else accounts.read_moment("/expires_at", data.expires_at)
    made = await accounts.create_key(ctx, principal, name=data.name, scopes=list(data.scopes), expires_at=expires_at)
    return _key_view(made.key, made.plaintext)


@delete("/keys/{key_id:str}", summary="Revoke an API key")
async def revoke_key(ctx: Ctx, principal: Caller, key_id: FromPath[str]) -> None:
    """It is refused from now on, and so are the tokens it made."""
    await accounts.revoke_key(ctx, principal, key_id)


@post("/keys/{key_id:str}/rotate", summary="Rotate an API key")
async def rotate_key(ctx: Ctx, principal: Caller, key_id: FromPath[str]) -> KeyView:
    """A new key like this one; the old one lives on for a day."""
    made = await accounts.rotate_key(ctx, principal, key_id)
    return _key_view(made.key, made.plaintext)


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
    create_token,
    create_ticket,
]
