"""Of several secrets the first signs, each verifies, and nothing tells what they are."""

import pytest

from renderowl.security.keyring import Keyring
from renderowl.security.signing import derive

OLD, NEW = "o" * 32, "n" * 32


def test_the_first_secret_signs_and_each_of_them_verifies() -> None:
    before, after = Keyring([OLD]), Keyring([NEW, OLD])
    signed = before.sign("play", b"said")
    assert after.verify("play", b"said", signed)
    assert after.sign("play", b"said") == Keyring([NEW]).sign("play", b"said") != signed
    assert not before.verify("play", b"said", after.sign("play", b"said"))
    assert Keyring([OLD, NEW]).verify("play", b"said", after.sign("play", b"said"))
    assert not Keyring([NEW]).verify("play", b"said", signed)


def test_a_signature_is_good_for_its_purpose_and_message_only() -> None:
    ring = Keyring([NEW, OLD])
    assert not ring.verify("tickets", b"said", ring.sign("play", b"said"))
    assert not ring.verify("play", b"other", ring.sign("play", b"said"))
    assert not ring.verify("play", b"said", "\udcff")


def test_the_keys_of_a_purpose_are_in_the_order_of_the_secrets_each_once() -> None:
    assert Keyring([NEW, OLD, NEW]).keys("a") == [derive(NEW, "a"), derive(OLD, "a")]
    assert list(Keyring([NEW, OLD]).named_keys("a").values()) == Keyring([NEW, OLD]).keys("a")


def test_a_name_is_its_secrets_whatever_the_purpose_and_is_no_part_of_a_key() -> None:
    (newer, older), names = Keyring([NEW, OLD]).named_keys("a"), Keyring([OLD]).named_keys("b")
    assert newer != older
    assert list(names) == [older]
    assert len(older) == 16
    assert all(older not in key.hex() for key in Keyring([NEW, OLD]).keys("a"))


def test_without_a_secret_there_is_no_keyring() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Keyring([])
