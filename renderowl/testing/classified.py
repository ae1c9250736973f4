"""Who gets what on every route of the OpenAPI document; tests/security/test_tenancy_matrix.py asks them all.

A new route is classified here.
"""

from typing import Final, Literal

Who = Literal["owner", "other", "anonymous", "read", "write", "admin", "token", "revoked"]
KINDS: Final = ("games", "raw_clips", "working_clips", "highlight_regions", "final_videos")
WHO: Final[tuple[Who, ...]] = ("owner", "other", "anonymous", "read", "write", "admin", "token", "revoked")
"""The owner's session; another user's session; nobody; keys of the owner with each scope; the owner's token for another
project, with both scopes; a key of the owner that was revoked."""

Answer = Literal["yes", "401", "403", "404"]
"""`yes` is anything that the caller was let through to: 2xx, or a complaint about the request itself (400, 409, 415, 422)."""


def row(other: Answer, read: Answer, token: Answer) -> dict[Who, Answer]:
    """The answers where a credential is needed: the owner and a write key may, nobody and the revoked may not."""
    return {
        "owner": "yes",
        "other": other,
        "anonymous": "401",
        "read": read,
        "write": "yes",
        "admin": "yes",
        "token": token,
        "revoked": "401",
    }


OPEN: Final[dict[Who, Answer]] = dict.fromkeys(WHO, "yes")
SIGNED: Final[dict[Who, Answer]] = dict.fromkeys(WHO, "401")
"""Signed with a claim's or an automation's key: no caller's credential is worth anything there."""
LOOK: Final = row("404", "yes", "404")
"""Looking at something of a project: others and tokens for other projects are told that there is nothing."""
CHANGE: Final = row("404", "403", "404")
OWN: Final = row("yes", "yes", "yes")
"""About whoever is calling: everybody sees their own."""
MAKE: Final = row("yes", "403", "403")
ACCOUNT: Final = row("yes", "403", "403")
KEY: Final = row("404", "403", "403")
LIBRARY: Final = row("404", "yes", "403")
"""Looking at something of a user's library, which is not a project's: a token for one sees nothing of it."""
ADMINISTRATOR: Final[dict[Who, Answer]] = {who: "401" if who in ("anonymous", "revoked") else "403" for who in WHO}
"""An administrator's alone; test_users.py has what they get."""

ROUTES: Final[dict[str, dict[Who, Answer]]] = {
    "GET /health": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": OPEN,
    "GET /compositions": OPEN,
    "GET /compositions/{composition_id}/schema": OPEN,
    "POST /auth/register": OPEN,
    "POST /auth/login": OPEN,
    "POST /auth/logout": OWN,
    "GET /me": OWN,
    "GET /keys": ACCOUNT,
    "POST /keys": ACCOUNT,
    "DELETE /keys/{key_id}": KEY,
    "POST /keys/{key_id}/rotate": KEY,
    "GET /keys/{key_id}/usage": KEY,
    "GET /users": ADMINISTRATOR,
    "GET /users/{user_id}": ADMINISTRATOR,
    "PATCH /users/{user_id}": ADMINISTRATOR,
    "GET /overview": ADMINISTRATOR,
    "POST /auth/tokens": LOOK,
    "POST /ws/tickets": LOOK,
    "GET /projects": OWN,
    "POST /projects": MAKE,
    "GET /projects/{project_id}": LOOK,
    "PATCH /projects/{project_id}": CHANGE,
    "DELETE /projects/{project_id}": CHANGE,
    "GET /projects/{project_id}/events": LOOK,
    "GET /projects/{project_id}/assets": LOOK,
    "POST /projects/{project_id}/assets/upload": CHANGE,
    "GET /projects/{project_id}/assets/{asset_id}/upload": CHANGE,
    "POST /projects/{project_id}/assets/{asset_id}/upload-complete": CHANGE,
    "GET /projects/{project_id}/assets/{asset_id}": LOOK,
    "PATCH /projects/{project_id}/assets/{asset_id}": CHANGE,
    "DELETE /projects/{project_id}/assets/{asset_id}": CHANGE,
    "GET /projects/{project_id}/assets/{asset_id}/download": LOOK,
    "GET /projects/{project_id}/renders": LOOK,
    "POST /projects/{project_id}/renders": CHANGE,
    "POST /projects/{project_id}/renders/plan": LOOK,
    "GET /projects/{project_id}/renders/{render_id}": LOOK,
    "POST /projects/{project_id}/renders/{render_id}/cancel": CHANGE,
    "POST /projects/{project_id}/renders/{render_id}/retry": CHANGE,
    "GET /projects/{project_id}/renders/{render_id}/output": LOOK,
    "GET /projects/{project_id}/renders/{render_id}/progress": LOOK,
    "GET /projects/{project_id}/renders/{render_id}/preview": LOOK,
    "GET /projects/{project_id}/renders/{render_id}/playlist": LOOK,
    "GET /projects/{project_id}/renders/{render_id}/log": LOOK,
    "GET /projects/{project_id}/renders/{render_id}/steps": LOOK,
    "GET /projects/{project_id}/webhooks": LOOK,
    "POST /projects/{project_id}/webhooks": CHANGE,
    "GET /projects/{project_id}/webhooks/{webhook_id}": LOOK,
    "PATCH /projects/{project_id}/webhooks/{webhook_id}": CHANGE,
    "DELETE /projects/{project_id}/webhooks/{webhook_id}": CHANGE,
    "POST /projects/{project_id}/webhooks/{webhook_id}/test": CHANGE,
    "GET /projects/{project_id}/webhooks/{webhook_id}/secret": CHANGE,
    "POST /projects/{project_id}/webhooks/{webhook_id}/secret/rotate": CHANGE,
    "GET /projects/{project_id}/webhook-secret": CHANGE,
    "POST /projects/{project_id}/webhook-secret/rotate": CHANGE,
    "GET /projects/{project_id}/deliveries": LOOK,
    "GET /projects/{project_id}/deliveries/{delivery_id}": LOOK,
    "POST /projects/{project_id}/deliveries/{delivery_id}/replay": CHANGE,
    "GET /projects/{project_id}/automations": LOOK,
    "POST /projects/{project_id}/automations": CHANGE,
    "GET /projects/{project_id}/automations/{auto_id}": LOOK,
    "PATCH /projects/{project_id}/automations/{auto_id}": CHANGE,
    "DELETE /projects/{project_id}/automations/{auto_id}": CHANGE,
    "POST /projects/{project_id}/automations/{auto_id}/trigger": CHANGE,
    "POST /projects/{project_id}/automations/{auto_id}/secret/rotate": CHANGE,
    "GET /projects/{project_id}/automations/{auto_id}/executions": LOOK,
    "GET /projects/{project_id}/automations/{auto_id}/executions/{execution_id}": LOOK,
    "POST /webhooks/automation/{auto_id}": SIGNED,
    "POST /v1/renders/webhooks/progress": SIGNED,
    "POST /api/runpod/callback/{job_id}": SIGNED,
    **{f"GET /library/{kind}": row("yes", "yes", "403") for kind in KINDS},
    **{f"POST /library/{kind}": MAKE for kind in KINDS},
    **{f"GET /library/{kind}/{{item_id}}": LIBRARY for kind in KINDS},
    **{f"PUT /library/{kind}/{{item_id}}": KEY for kind in KINDS},
    **{f"DELETE /library/{kind}/{{item_id}}": KEY for kind in KINDS},
    "GET /library/snapshots": row("yes", "yes", "403"),
    "POST /library/snapshots": MAKE,
    "PUT /library/snapshots": MAKE,
    "GET /library/snapshots/{snapshot_id}": LIBRARY,
    "GET /library/snapshots/{snapshot_id}/download": LIBRARY,
    "POST /library/snapshots/{snapshot_id}/restore": KEY,
    "DELETE /library/snapshots/{snapshot_id}": KEY,
    "POST /api/export/{export_type}/start": row("yes", "403", "yes"),
    "GET /api/export/status/{job_id}": LOOK,
    "GET /api/storage/presigned-url": LOOK,
    "POST /api/storage/upload-url": row("yes", "403", "yes"),
    "GET /projects/{project_id}/sessions": LOOK,
    "POST /projects/{project_id}/sessions": CHANGE,
    "GET /projects/{project_id}/sessions/{session_id}": LOOK,
    "PATCH /projects/{project_id}/sessions/{session_id}": CHANGE,
    "DELETE /projects/{project_id}/sessions/{session_id}": CHANGE,
    "GET /projects/{project_id}/sessions/{session_id}/edl": LOOK,
    "PUT /projects/{project_id}/sessions/{session_id}/edl": CHANGE,
    "POST /projects/{project_id}/sessions/{session_id}/edl/lock": CHANGE,
    "DELETE /projects/{project_id}/sessions/{session_id}/edl/lock": CHANGE,
    "POST /v1/render": CHANGE,
    "GET /v1/jobs": OWN,
    "GET /v1/jobs/{job_id}": LOOK,
    "GET /dashboard/jobs": OWN,
    "GET /dashboard/jobs/{job_id}": LOOK,
    "POST /v1/assets/sign-upload": CHANGE,
    "GET /dashboard/api-keys": ACCOUNT,
    "POST /dashboard/api-keys": ACCOUNT,
    "DELETE /dashboard/api-keys/{key_id}": KEY,
    "PUT /v1/projects/{project_id}/scenes": CHANGE,
    "POST /v1/projects/{project_id}/assets": CHANGE,
    "POST /v1/projects/{project_id}/render": CHANGE,
    "GET /v1/projects/{project_id}/outputs": LOOK,
    "GET /v1/projects/{project_id}/outputs/video": LOOK,
    "POST /api/render-jobs/trigger": CHANGE,
    "GET /api/render-jobs/{job_id}": LOOK,
    "GET /api/render-jobs/session/{session_id}": LOOK,
    "POST /api/render-jobs/{job_id}/retry": CHANGE,
    "POST /api/render-jobs/{job_id}/cancel": CHANGE,
}
