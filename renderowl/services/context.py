"""What every service function works with, passed as its first argument; made once in `app.py`."""

from dataclasses import dataclass

from renderowl.bus.base import Bus
from renderowl.db.database import Database
from renderowl.limits.base import Limiter
from renderowl.security.keyring import Keyring
from renderowl.security.outbound import Outbound
from renderowl.security.tokens import TokenSigner
from renderowl.settings import Settings
from renderowl.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Context:
    """The parts a service function may use."""

    settings: Settings
    db: Database
    storage: Storage
    bus: Bus
    tokens: TokenSigner
    limiter: Limiter
    outbound: Outbound

    @property
    def keyring(self) -> Keyring:
        """What is signed for callers, workers and receivers is signed, and verified, with this."""
        return Keyring(self.settings.secret_keys)
