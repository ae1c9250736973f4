"""Which errors a route may answer with: those of all its kind, and those that it alone knows."""

from collections.abc import Mapping
from typing import Any, Final

from renderowl.domain.errors import ERRORS, RenderOwlError

_SOURCES: Final = ("source_refused", "source_forbidden", "source_not_found", "source_unavailable")
_SPEC: Final = ("unknown_composition", "asset_not_found", "asset_not_ready", "tts_unavailable", "font_missing")
_MEDIA: Final = ("media_unreadable", "media_type_mismatch", "media_too_large", "codec_unsupported")
_EVERY: Final = (*_SPEC, *_SOURCES, *_MEDIA)
"""What may be wrong with a film that is asked for."""

OF_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "register": ("conflict",),
    "login": ("unauthenticated", "forbidden"),
    "createKey": ("quota_exceeded",),
    "rotateKey": ("conflict", "quota_exceeded"),
    "createProject": ("quota_exceeded",),
    "announceUpload": ("quota_exceeded",),
    "resumeUpload": ("conflict",),
    "completeUpload": ("upload_mismatch", "conflict"),
    "downloadAsset": ("conflict",),
    "createRender": (*_EVERY, "idempotency_mismatch", "conflict"),
    "planRender": (*_EVERY, "not_acceptable"),
    "cancelRender": ("conflict",),
    "retryRender": ("conflict", *_EVERY),
    "getOutput": ("conflict",),
    "getPlaylist": ("conflict",),
    "createWebhook": ("conflict",),
    "createAutomation": (*_SPEC, "quota_exceeded"),
    "updateAutomation": (*_SPEC, "conflict"),
    "receiveWebhook": ("unauthenticated", "conflict"),
    "replayDelivery": ("conflict",),
    "reportProgress": ("unauthenticated", "conflict"),
    "receiveCallback": ("unauthenticated",),
    "getMetrics": ("unauthenticated",),
    "hearRoom": ("conflict",),
    "createToken": ("not_found",),
    "createTicket": ("not_found",),
    "createDashboardKey": ("quota_exceeded",),
    "signUpload": ("quota_exceeded",),
    "getUploadUrl": ("quota_exceeded",),
    "uploadFiles": ("conflict", "quota_exceeded"),
    "putScenes": ("conflict", "quota_exceeded"),
    "triggerRenderJob": ("not_found", *_EVERY, "conflict"),
    "retryRenderJob": (*_EVERY, "conflict"),
    "getPresignedUrl": ("not_found", "conflict", "quota_exceeded"),
    "createJob": (*_EVERY, "idempotency_mismatch", "not_found", "conflict", "quota_exceeded"),
    "createFilm": (*_EVERY, "conflict"),
    "startExport": (*_EVERY, "not_found", "conflict", "quota_exceeded"),
    "takeSnapshot": ("conflict",),
    "bringSnapshot": ("conflict",),
    "triggerAutomation": (*_EVERY, "idempotency_mismatch", "conflict"),
    "getFilm": ("conflict", "range_not_satisfiable"),
}
"""What routes answer with beside what all of their kind do, by operation."""


def of_route(
    operation_id: str, method: str, operation: Mapping[str, Any], *, has_caller: bool, is_counted: bool
) -> dict[int, list[type[RenderOwlError]]]:
    """The errors of an operation by status, in the order of their codes' list."""
    codes = {"internal", "unavailable"}
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation:
        codes |= {"malformed_request", "payload_too_large", "validation_failed"}
        if list(operation["requestBody"]["content"]) != ["application/json"]:
            codes |= {"unsupported_media_type"}
    if places & {"query", "header"}:
        codes |= {"validation_failed"}
    if "path" in places:
        codes |= {"not_found"}
    if has_caller or operation.get("security"):
        codes |= {"unauthenticated"}
    if has_caller:
        codes |= {"forbidden"}
    if is_counted:
        codes |= {"rate_limited"}
    if operation_id in OF_ROUTES:
        codes |= {*OF_ROUTES[operation_id]}
    elif method != "get" and "path" in places:
        codes |= {"conflict"}  # what is changed is in some state
    found: dict[int, list[type[RenderOwlError]]] = {}
    for code, error in ERRORS.items():
        if code in codes:
            found.setdefault(error.status, []).append(error)
    return dict(sorted(found.items()))
