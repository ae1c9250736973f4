"""Keys, tokens, passwords and signatures refuse everything that is not exactly ours."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.client.reports import sign_report
from renderowl.domain.errors import Unauthenticated
from renderowl.security.keys import new_key, parse_key
from renderowl.security.passwords import hash_password, password_problem, verify_password
from renderowl.security.signing import derive, sign, verify
from renderowl.security.tokens import TokenSigner, new_ticket
from renderowl.security.webhooks import verify_webhook

KEY = derive("s" * 32, "tokens")
NOW = 1_800_000_000


def signer(**options):
    return TokenSigner(KEY, **{"clock": lambda: NOW, **options})


def forged(key=KEY, algorithm="HS256", headers=None, **changes):
    _, claims = signer().mint("usr_1", ["read"], ttl_s=3600)
    said = {name: getattr(claims, name) for name in ("iss", "aud", "sub", "jti", "iat", "exp")} | changes
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": "1"} if headers is None else headers)


def test_each_label_has_its_own_key():
    assert derive("s" * 32, "a") != derive("s" * 32, "b")
    assert len(KEY) == 32


@given(st.binary(), st.text())
def test_only_the_signature_verifies(message, other):
    assert verify(KEY, message, sign(KEY, message))
    assert verify(KEY, message, other) == (other == sign(KEY, message))


def test_a_new_key_is_recognised_and_never_shown_by_repr():
    key = new_key()
    assert parse_key(key.plaintext) == key.sha256
    assert key.plaintext.endswith(key.last_four)
    assert key.plaintext not in repr(key)


@given(st.integers(0, 45), st.characters())
def test_a_mistyped_key_is_refused(position, char):
    text = new_key().plaintext
    changed = text[:position] + char + text[position + 1 :]
    assert (parse_key(changed) is None) == (changed != text)


@given(st.text())
def test_no_text_breaks_the_key_parser(text):
    assert parse_key(text) is None
    assert parse_key("ro_live_" + text) is None


def test_a_token_says_what_was_minted():
    token, claims = signer().mint("usr_1", ["read", "write"], project_id="prj_1", ttl_s=60)
    assert signer().read(token) == claims
    assert (claims.sub, claims.scopes, claims.project_id, claims.exp) == ("usr_1", ("read", "write"), "prj_1", NOW + 60)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # a forger's HS512 with a key for HS256
@pytest.mark.parametrize(
    "token",
    [
        lambda: "",
        lambda: "a.b.c",
        lambda: "é" * 40,
        lambda: "x" * 100_000,
        lambda: forged(key="", algorithm="none"),
        lambda: forged(algorithm="HS512"),
        lambda: forged(key=b"another key of thirty-two bytes!!"),
        lambda: forged(headers={}),
        lambda: forged(headers={"kid": "2"}),
        lambda: forged(aud="elsewhere"),
        lambda: forged(iss="somebody"),
        lambda: forged(exp=None),
        lambda: forged(aud=None),
        lambda: forged(jti=None),
        lambda: forged(exp="soon"),
        lambda: forged(exp=NOW),
        lambda: forged(iat=NOW + 3600),
        lambda: forged(scopes="admin"),
    ],
)
def test_any_other_token_is_unauthenticated(token):
    with pytest.raises(Unauthenticated):
        signer().read(token())


def test_an_rs256_header_does_not_change_how_a_token_is_checked():
    head, body, _ = forged().split(".")
    head = (
        base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "1"}).encode()).decode().rstrip("=")
    )
    mac = base64.urlsafe_b64encode(bytes.fromhex(sign(KEY, f"{head}.{body}".encode()))).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        signer().read(f"{head}.{body}.{mac}")


def test_tokens_of_a_retired_key_are_read_until_it_is_dropped():
    token, claims = signer().mint("usr_1", [], ttl_s=3600)
    fresh = b"n" * 32
    assert TokenSigner(fresh, kid="2", retired={"1": KEY}, clock=lambda: NOW).read(token) == claims
    with pytest.raises(Unauthenticated):
        TokenSigner(fresh, kid="2", clock=lambda: NOW).read(token)


def test_tickets_hold_256_bits():
    assert len({new_ticket() for _ in range(100)}) == 100
    assert len(base64.urlsafe_b64decode(new_ticket() + "=")) == 32


def test_a_webhook_is_good_for_five_minutes_and_one_body():
    key = KEY.hex()
    header = sign_report(key, b"body", now=NOW)
    assert verify_webhook(key.encode(), header, b"body", now=NOW + 300) == NOW
    for body, now in ((b"other", NOW), (b"body", NOW + 301), (b"body", NOW - 301)):
        with pytest.raises(Unauthenticated):
            verify_webhook(key.encode(), header, body, now=now)


@given(st.one_of(st.none(), st.text(), st.from_regex(r"t=.*,v1=.*")))
def test_a_malformed_webhook_header_is_unauthenticated_and_nothing_else(header):
    with pytest.raises(Unauthenticated):
        verify_webhook(KEY, header, b"body", now=NOW)


def test_passwords_verify_in_any_composition_of_their_letters():
    stored = hash_password("pässword")
    assert verify_password("pa\u0308ssword", stored) == (True, False)
    assert verify_password("password", stored) == (False, False)
    assert verify_password("password", None) == (False, False)
    assert verify_password("password", "not a hash") == (False, False)


@pytest.mark.parametrize(
    ("password", "good"), [("", False), ("1234567", False), ("x" * 8, True), ("x" * 1024, True), ("x" * 1025, False)]
)
def test_a_password_has_8_to_1024_characters(password, good):
    assert (password_problem(password) is None) == good
