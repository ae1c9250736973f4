"""Tokens (JWT) and socket tickets."""

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import jwt
import msgspec

from renderowl.domain.errors import Unauthenticated
from renderowl.security.keyring import Keyring

ISSUER: Final = "renderowl"
AUDIENCE: Final = "renderowl-api"
_ALGORITHM: Final = "HS256"
_REQUIRED: Final = ["iss", "aud", "exp", "iat", "jti", "sub"]
_MAX_TOKEN_LENGTH: Final = 8192
_NAMELESS: Final = "1"
"""What the header of tokens says that were minted before secrets had names."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says; times in Unix seconds."""

    iss: str
    aud: str
    sub: str
    """The user that the token acts for."""
    jti: str
    """The token's own id, by which it is revoked."""
    iat: int
    exp: int
    scopes: tuple[str, ...] = ()
    project_id: str | None = None
    """The one project the token is good for; None: all of the subject's."""
    key_id: str | None = None
    """The API key that minted it; revoking that key ends the token too."""
    session_id: str | None = None
    """The `jti` of the session that minted it; logging out ends the token too."""


class TokenSigner:
    """Mints tokens under the first secret of a keyring and reads those of each; a token's `kid` names its secret."""

    def __init__(self, keyring: Keyring, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keyring.named_keys("tokens")
        self._kid = next(iter(self._keys))
        self._clock = clock

    def mint(
        self,
        subject: str,
        scopes: Sequence[str],
        *,
        ttl_s: int,
        project_id: str | None = None,
        key_id: str | None = None,
        session_id: str | None = None,
    ) -> tuple[str, Claims]:
        """A signed token and what it says."""
        now = int(self._clock())
        claims = Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=subject,
            jti=secrets.token_urlsafe(16),
            iat=now,
            exp=now + ttl_s,
            scopes=tuple(scopes),
            project_id=project_id,
            key_id=key_id,
            session_id=session_id,
        )
        payload = msgspec.to_builtins(claims)
        return jwt.encode(payload, self._keys[self._kid], algorithm=_ALGORITHM, headers={"kid": self._kid}), claims

    def read(self, token: str) -> Claims:
        """What a genuine, unexpired token of ours says. Raises Unauthenticated for everything else."""
        try:
            claims = self._decode(token)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
            # One answer for all of them: what exactly is wrong helps only a forger. `from None` keeps the token out of
            # tracebacks.
            raise Unauthenticated("The token is not valid") from None
        now = self._clock()
        if claims.exp <= now:
            raise Unauthenticated("The token has expired")
        if claims.iat > now + 60:
            raise Unauthenticated("The token is not valid yet")
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > _MAX_TOKEN_LENGTH:
            raise ValueError("too long")
        kid = jwt.get_unverified_header(token).get("kid")
        if kid == _NAMELESS:
            return self._decode_nameless(token)
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("unknown kid")
        return self._decode_with(key, token)

    def _decode_nameless(self, token: str) -> Claims:
        for key in self._keys.values():
            with contextlib.suppress(jwt.InvalidSignatureError):
                return self._decode_with(key, token)
        raise ValueError("signed by none of the secrets")

    def _decode_with(self, key: bytes, token: str) -> Claims:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Times are compared in `read`, with the clock that tests can turn.
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        return msgspec.convert(payload, Claims)


def new_ticket() -> str:
    """An opaque one-time socket ticket of 256 random bits; the bus keeps what it stands for, for 30 seconds."""
    return secrets.token_urlsafe(32)
