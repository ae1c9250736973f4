"""Accounts: users, their keys, and what both were used for."""

from piccolo.columns import Array, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class Users(Table, tablename="users"):
    id = Text(primary_key=True)
    email = Text()
    password_hash = Text(null=True)
    role = Text()
    tier = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class ApiKeys(Table, tablename="api_keys"):
    id = Text(primary_key=True)
    user_id = Text()
    name = Text()
    key_hash = Text()
    last_four = Text()
    scopes = Array(base_column=Text())
    created_at = Timestamptz()
    expires_at = Timestamptz(null=True)
    revoked_at = Timestamptz(null=True)
    last_used_at = Timestamptz(null=True)


class RevokedTokens(Table, tablename="revoked_tokens"):
    jti = Text(primary_key=True)
    expires_at = Timestamptz()


class KeyUsage(Table, tablename="key_usage"):
    id = Text(primary_key=True)
    key_id = Text()
    day = Date()
    route = Text()
    requests = BigInt()
    errors = BigInt()


class RenderDays(Table, tablename="render_days"):
    id = Text(primary_key=True)
    user_id = Text()
    day = Date()
    renders = Integer()
