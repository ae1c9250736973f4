"""The installation's secrets: what is signed is signed under the first, and what any of them has signed is good.

So a secret can be replaced while what the one before has signed is alive. A purpose is a label, as in `derive`.
"""

from collections.abc import Sequence

from renderowl.security.signing import derive, sign, verify


class Keyring:
    """Keys of every purpose under each of the secrets; `secrets` begins with the one that signs."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("a keyring has at least one secret")
        self._secrets = tuple(dict.fromkeys(secrets))

    def keys(self, label: str) -> list[bytes]:
        """The keys of one purpose: first the one to sign with, then the others that are good."""
        return [derive(secret, label) for secret in self._secrets]

    def named_keys(self, label: str) -> dict[str, bytes]:
        """The same by the names of their secrets. A name tells secrets apart and nothing about them."""
        return {derive(secret, "kid").hex()[:16]: derive(secret, label) for secret in self._secrets}

    def sign(self, label: str, message: bytes) -> str:
        """The signature of a message for one purpose."""
        return sign(derive(self._secrets[0], label), message)

    def verify(self, label: str, message: bytes, signature: str) -> bool:
        """Whether one of the secrets has signed this message for this purpose; never raises."""
        return any(verify(key, message, signature) for key in self.keys(label))
