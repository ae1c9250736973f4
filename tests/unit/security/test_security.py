"""Keys, tokens, passwords and signatures refuse everything that is not exactly ours."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.client.reports import sign_report
from renderowl.domain.errors import Unauthenticated
from renderowl.security.keyring import Keyring
from renderowl.security.keys import new_key, parse_key
from renderowl.security.passwords import hash_password, password_problem, verify_password
from renderowl.security.signing import derive, sign, verify
from renderowl.security.tokens import TokenSigner, new_ticket
from renderowl.security.webhooks import verify_webhook

SECRET, NEWER, OTHER = "s" * 32, "n" * 32, "o" * 32
KEY = derive(SECRET, "tokens")
KID = next(iter(Keyring([SECRET]).named_keys("tokens")))
NOW = 1_800_000_000


def signer(*secrets):
    return TokenSigner(Keyring(secrets or [SECRET]), clock=lambda: NOW)


def forged(key=KEY, algorithm="HS256", headers=None, **changes):
    _, claims = signer().mint("usr_1", ["read"], ttl_s=3600)
    said = {name: getattr(claims, name) for name in ("iss", "aud", "sub", "jti", "iat", "exp")} | changes
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": KID} if headers is None else headers)


def resigned(**header):
    """A token of ours under this header, signed with our key all the same."""
    _, body, _ = forged().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"typ": "JWT", **header}).encode()).decode().rstrip("=")
    mac = base64.urlsafe_b64encode(bytes.fromhex(sign(KEY, f"{head}.{body}".encode()))).decode().rstrip("=")
    return f"{head}.{body}.{mac}"


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
        lambda: resigned(alg="HS256", kid=["1"]),
        lambda: resigned(alg="HS256", kid=None),
        lambda: forged(headers={"kid": next(iter(Keyring([OTHER]).named_keys("tokens")))}),
        lambda: forged(key=b"another key of thirty-two bytes!!", headers={"kid": "1"}),
        lambda: forged(key="", algorithm="none", headers={"kid": "1"}),
        lambda: forged(exp=NOW, headers={"kid": "1"}),
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
    assert signer().read(resigned(alg="HS256", kid=KID)).sub == "usr_1"
    for kid in (KID, "1"):
        with pytest.raises(Unauthenticated):
            signer().read(resigned(alg="RS256", kid=kid))


def test_a_token_is_read_as_long_as_its_secret_is_listed():
    token, claims = signer(SECRET).mint("usr_1", [], ttl_s=3600)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "kid": KID}
    assert signer(NEWER, OTHER, SECRET).read(token) == claims
    assert signer(SECRET, NEWER).read(token) == claims
    with pytest.raises(Unauthenticated):
        signer(NEWER, OTHER).read(token)


def test_the_first_secret_mints_and_the_others_read_it():
    token, claims = signer(NEWER, SECRET).mint("usr_1", [], ttl_s=3600)
    assert signer(NEWER).read(token) == signer(SECRET, NEWER).read(token) == claims
    with pytest.raises(Unauthenticated):
        signer(SECRET).read(token)


def test_a_token_is_good_under_the_secret_it_names_and_under_no_other():
    """Both secrets are good; each token says the other's name."""
    ring = Keyring([NEWER, SECRET])
    (newer_kid, newer), (kid, key) = ring.named_keys("tokens").items()
    assert kid == KID
    assert key == KEY
    assert signer(NEWER, SECRET).read(forged(key=newer, headers={"kid": newer_kid})).sub == "usr_1"
    for wrong in (forged(key=newer, headers={"kid": kid}), forged(key=key, headers={"kid": newer_kid})):
        with pytest.raises(Unauthenticated):
            signer(NEWER, SECRET).read(wrong)


def test_a_token_of_before_secrets_had_names_is_read_under_any_that_is_listed():
    old = forged(headers={"kid": "1"})
    assert signer(SECRET).read(old) == signer(NEWER, SECRET).read(old)
    with pytest.raises(Unauthenticated):
        signer(NEWER).read(old)


def test_tickets_hold_256_bits():
    assert len({new_ticket() for _ in range(100)}) == 100
    assert len(base64.urlsafe_b64decode(new_ticket() + "=")) == 32


def test_a_webhook_is_good_for_five_minutes_and_one_body():
    key = KEY.hex()
    header = sign_report(key, b"body", now=NOW)
    assert verify_webhook([key.encode()], header, b"body", now=NOW + 300) == NOW
    for body, now in ((b"other", NOW), (b"body", NOW + 301), (b"body", NOW - 301)):
        with pytest.raises(Unauthenticated):
            verify_webhook([b"newer", key.encode()], header, body, now=now)


@given(st.one_of(st.none(), st.text(), st.from_regex(r"t=.*,v1=.*")))
def test_a_malformed_webhook_header_is_unauthenticated_and_nothing_else(header):
    with pytest.raises(Unauthenticated):
        verify_webhook([KEY], header, b"body", now=NOW)


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
