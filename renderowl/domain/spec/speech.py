"""Speech: texts that an engine speaks, and how a caller asks for them."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from renderowl.domain.spec.fields import Spec, looks

Language = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}$"), looks("a language such as en, de or pt-BR")
]
VoiceName = Annotated[str, Meta(min_length=1, max_length=100)]


class SpeechSettings(Spec, frozen=True, kw_only=True):
    """Who speaks: the engine's usual voice of a language unless one is named."""

    language: Language = "en"
    voice: VoiceName | None = None


class Speech(msgspec.Struct, frozen=True):
    """A text to be spoken."""

    text: str
    language: str = "en"
    voice: str | None = None

    @property
    def digest(self) -> str:
        """The hash of all that is asked of an engine."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def src(self) -> str:
        """The name of its sound among the sources of a timeline; a caller's own cannot have it."""
        return f"speech://{self.digest}"
