"""Every error the service can answer with: a stable code, an HTTP status and whose fault it is.

One class per code. The API turns an instance into an RFC 9457 problem document, the socket into an `error` message and
the worker into the render's `error`; `fault` decides about retries and alerts. `docs/errors.md` lists them all and a
test compares the two.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final, Literal

import msgspec

Fault = Literal["caller", "destination", "us"]
"""Whose mistake it is: the caller's (do not retry as it is), a remote place's, or ours."""

FailureClass = Literal["transient", "resource", "stalled", "permanent", "interrupted"]
"""How a failed attempt may be tried again; see `domain/lifecycle.py` for the number of retries of each."""


class FieldError(msgspec.Struct, frozen=True):
    """One problem of one field: `path` is a JSON pointer into the body, such as `/input_props/tracks/0/clips/2/src`."""

    path: str
    message: str


class SpentQuota(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an account is given no more of: of what, by which tier, how much it may have and has, and when there is more.

    Without `renews_at` there is more when the account gives some of it back, or has another tier.
    """

    name: Literal["requests_per_minute", "renders_per_day", "projects", "keys", "storage_bytes"]
    tier: str
    limit: int
    used: int
    renews_at: datetime | None = None


class RenderOwlError(Exception):
    """Base of all errors that are told to a caller."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    fault: ClassVar[Fault] = "us"
    failure: ClassVar[FailureClass] = "transient"
    """The failure class when this error ends a step."""

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: float | None = None,
        quota: SpentQuota | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.quota = quota

    @property
    def retryable(self) -> bool:
        """True when the same request or render may succeed if it is simply tried again."""
        return self.failure in ("transient", "resource", "stalled", "interrupted") and self.status not in (400, 422)


# --- what the caller did -----------------------------------------------------------------------------------------


class _CallerError(RenderOwlError):
    fault: ClassVar[Fault] = "caller"
    failure: ClassVar[FailureClass] = "permanent"


class MalformedRequest(_CallerError):
    code, status, title = "malformed_request", 400, "The request cannot be read"


class Unauthenticated(_CallerError):
    code, status, title = "unauthenticated", 401, "Who is calling is not known"


class Forbidden(_CallerError):
    code, status, title = "forbidden", 403, "The credential lacks the scope for this"


class NotFound(_CallerError):
    code, status, title = "not_found", 404, "There is no such thing, or it is not yours"


class MethodNotAllowed(_CallerError):
    code, status, title = "method_not_allowed", 405, "This route does not take that method"


class NotAcceptable(_CallerError):
    code, status, title = "not_acceptable", 406, "None of the accepted content types can be produced"


class Conflict(_CallerError):
    code, status, title = "conflict", 409, "The present state does not allow this"


class QuotaExceeded(_CallerError):
    """The account's tier gives it no more of something; `detail` says of what, and how much there is."""

    code, status, title = "quota_exceeded", 409, "The account has as much of this as its tier allows"


class RangeNotSatisfiable(_CallerError):
    code, status, title = "range_not_satisfiable", 416, "The asked range lies outside the file"


class PayloadTooLarge(_CallerError):
    code, status, title = "payload_too_large", 413, "The body is larger than allowed"


class UnsupportedMediaType(_CallerError):
    code, status, title = "unsupported_media_type", 415, "The content type is not supported here"


class ValidationFailed(_CallerError):
    """The body does not say something valid; `errors` holds every problem found, not only the first."""

    code, status, title = "validation_failed", 422, "The request does not describe something valid"


class IdempotencyMismatch(_CallerError):
    code, status, title = "idempotency_mismatch", 422, "This Idempotency-Key was used with another body"


class UnknownComposition(ValidationFailed):
    code, title = "unknown_composition", "There is no such composition"


class AssetNotFound(ValidationFailed):
    code, title = "asset_not_found", "An asset the spec names does not exist"


class AssetNotReady(ValidationFailed):
    code, title = "asset_not_ready", "An asset the spec names is not ready"


class TtsUnavailable(ValidationFailed):
    """A text is to be spoken and there is nothing that speaks; `errors` names every such text."""

    code, title = "tts_unavailable", "This installation has no speech engine"


class UploadMismatch(_CallerError):
    code, status, title = "upload_mismatch", 422, "The uploaded bytes are not what was announced"


class UrlExpired(_CallerError):
    code, status, title = "url_expired", 403, "The signed URL is not valid or no longer valid"


class RateLimited(_CallerError):
    code, status, title = "rate_limited", 429, "Too many requests"
    failure = "transient"


# --- what a render can fail with ---------------------------------------------------------------------------------


class MediaUnreadable(_CallerError):
    code, status, title = "media_unreadable", 422, "A media file cannot be read"


class MediaTypeMismatch(_CallerError):
    code, status, title = "media_type_mismatch", 422, "A media file is not of the type it claims"


class MediaTooLarge(_CallerError):
    code, status, title = "media_too_large", 422, "A media file exceeds the limits on size, dimensions or duration"


class CodecUnsupported(_CallerError):
    code, status, title = "codec_unsupported", 422, "The codec is not supported by this installation"


class FontMissing(_CallerError):
    code, status, title = "font_missing", 422, "No installed font can show a text of the spec"


class SourceUnavailable(RenderOwlError):
    code, status, title, fault = "source_unavailable", 502, "A remote source could not be fetched", "destination"


class SourceRefused(_CallerError):
    code, status, title = "source_refused", 422, "A remote source may not be fetched"


class SourceForbidden(_CallerError):
    code, status, title = "source_forbidden", 422, "A remote source is not given to us"


class SourceNotFound(_CallerError):
    code, status, title = "source_not_found", 422, "A remote source is not there"


class EncoderFailed(RenderOwlError):
    code, title, failure = "encoder_failed", "FFmpeg failed", "permanent"


class OutputWrong(RenderOwlError):
    code, title = "output_wrong", "The produced file is not what the plan says"


class OutOfMemory(RenderOwlError):
    code, title, failure = "out_of_memory", "The encoder ran out of memory", "resource"


class OutOfDisk(RenderOwlError):
    code, status, title = "out_of_disk", 507, "There is no space left for this"


class LimitExceeded(_CallerError):
    code, status, title = "limit_exceeded", 422, "A limit on processing time or output size was reached"


class Stalled(RenderOwlError):
    code, title, failure = "stalled", "The encoder made no progress", "stalled"


class DeadlineExceeded(RenderOwlError):
    code, status, title, failure = "deadline_exceeded", 504, "The render passed its deadline", "stalled"


class WorkerLost(RenderOwlError):
    code, title = "worker_lost", "The worker disappeared"


class RemoteFailed(RenderOwlError):
    """A remote endpoint refused the work, lost it or broke over it, for no reason that lies in the film."""

    code, status, title, fault = "remote_failed", 502, "The remote endpoint did not make the film", "destination"


class PoisonPill(RenderOwlError):
    code, title, failure = "poison_pill", "Three workers in a row were lost on this step", "permanent"


class Interrupted(RenderOwlError):
    code, title, failure = "interrupted", "The worker was asked to stop", "interrupted"


# --- what we did -------------------------------------------------------------------------------------------------


class Unavailable(RenderOwlError):
    code, status, title = "unavailable", 503, "A part of the service is not available now"


class Internal(RenderOwlError):
    code, status, title = "internal", 500, "Internal error"


def _leaves(cls: type[RenderOwlError]) -> list[type[RenderOwlError]]:
    found = [] if cls.__name__.startswith("_") or cls is RenderOwlError else [cls]
    return found + [leaf for sub in cls.__subclasses__() for leaf in _leaves(sub)]


ERRORS: Final[dict[str, type[RenderOwlError]]] = {cls.code: cls for cls in _leaves(RenderOwlError)}
"""Every error by its code."""
