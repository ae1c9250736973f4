"""Settings: the environment read once, into one frozen value.

Every field is the variable `RENDEROWL_<FIELD IN CAPITALS>`; `docs/configuration.md` lists them all and a test compares.
There is no default secret: `renderowl up` draws and stores its own, `renderowl serve` refuses to start without one.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from renderowl.domain.records import Tier

PREFIX = "RENDEROWL_"

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?")
"""As browsers write it: lower case, no path, no wildcard."""

_HOST = re.compile(r"(?!(.*\.)?[0-9]+$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
"""A name, not an address gone wrong."""

_ENDPOINT = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
"""No query and no user name: operations are paths below it, and its credential is a setting of its own."""


REMOTE_GRACE_S = 60.0
"""How long after its time is up a remote endpoint may still be heard of a render."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class SettingsError(ValueError):
    """The environment does not make valid settings; the message names the variable."""


def _doc(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Times in seconds, sizes in bytes."""

    # where things are
    database_url: Annotated[str, _doc("Postgres, `postgresql://user:password@host:port/name`")] = ""
    redis_url: Annotated[str, _doc("Redis or Valkey, `redis://host:port/0`; `unix://` works too")] = ""
    storage_url: Annotated[
        str,
        _doc("Media: `file:///path`, or `s3://bucket/prefix?endpoint_url=...&region=...` with the two S3 keys below"),
    ] = ""
    s3_access_key: Annotated[str, _doc("Access key of the S3 storage")] = ""
    s3_secret_key: Annotated[str, _doc("Secret key of the S3 storage")] = ""
    public_url: Annotated[str, _doc("How clients reach the API; signed local URLs start with it")] = ""

    # who may call
    secret_key: Annotated[str, _doc("At least 32 characters; signs tokens and URLs. Has no default on purpose")] = ""
    other_secret_keys: Annotated[
        tuple[str, ...],
        _doc("Secrets accepted beside it, comma separated: earlier ones, or the next one; see operations.md"),
    ] = ()
    auth_token: Annotated[str, _doc("Optional bootstrap token: a bearer of it is an administrator")] = ""
    allowed_origins: Annotated[
        tuple[str, ...],
        _doc("Origins whose pages may call the API and open sockets, comma separated; the API's own is always allowed"),
    ] = ()
    session_ttl_s: Annotated[int, _doc("How long a login's token is good for")] = 86_400
    trusted_proxies: Annotated[
        tuple[str, ...],
        _doc("Addresses and networks whose X-Forwarded-For and traceparent are believed, comma separated"),
    ] = ()

    # how often
    requests_per_minute_free: Annotated[
        Count, _doc("Requests a minute of an account on the free tier; 0 is no limit")
    ] = 60
    requests_per_minute_pro: Annotated[Count, _doc("The same of one on the pro tier")] = 600
    requests_per_minute_enterprise: Annotated[Count, _doc("The same of one on the enterprise tier")] = 6000
    requests_per_minute_anonymous: Annotated[
        Count, _doc("Requests a minute without a good credential, of one address; 0 is no limit")
    ] = 60
    renders_per_day_free: Annotated[
        Count, _doc("Renders a day (UTC) of an account on the free tier; 0 is no limit")
    ] = 10
    renders_per_day_pro: Annotated[Count, _doc("The same of one on the pro tier")] = 100
    renders_per_day_enterprise: Annotated[Count, _doc("The same of one on the enterprise tier")] = 0
    logins_per_account: Annotated[
        Count, _doc("Failed attempts to log in to one account within 5 minutes; 0 is no limit")
    ] = 10
    logins_per_address: Annotated[
        Count, _doc("Attempts to log in from one address within 5 minutes; 0 is no limit")
    ] = 30
    registrations_per_address: Annotated[
        Count, _doc("Registrations from one address within an hour; 0 is no limit")
    ] = 20
    limits_without_redis: Annotated[
        Literal["open", "closed"], _doc("While Redis is away: let requests through uncounted, or refuse them with 503")
    ] = "open"

    # how much
    projects_free: Annotated[Count, _doc("Projects of an account on the free tier; 0 is no limit")] = 20
    projects_pro: Annotated[Count, _doc("The same of one on the pro tier")] = 1000
    projects_enterprise: Annotated[Count, _doc("The same of one on the enterprise tier")] = 0
    keys_free: Annotated[Count, _doc("Good API keys of an account on the free tier; 0 is no limit")] = 10
    keys_pro: Annotated[Count, _doc("The same of one on the pro tier")] = 100
    keys_enterprise: Annotated[Count, _doc("The same of one on the enterprise tier")] = 0
    storage_bytes_free: Annotated[
        Count, _doc("Bytes of assets in all projects of an account on the free tier; 0 is no limit")
    ] = 20 * 1024**3
    storage_bytes_pro: Annotated[Count, _doc("The same of one on the pro tier")] = 1024**4
    storage_bytes_enterprise: Annotated[Count, _doc("The same of one on the enterprise tier")] = 0

    # automations
    automations_per_account: Annotated[Count, _doc("Most automations of all projects of an account; 0 is no limit")] = (
        100
    )
    automation_min_interval_s: Annotated[
        float, _doc("Shortest time between two due times of an automation's schedule")
    ] = 300.0

    # the server
    host: Annotated[str, _doc("Address the API listens on")] = "127.0.0.1"
    port: Annotated[int, _doc("Port the API listens on")] = 8080
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _doc("What is logged")] = "info"
    log_format: Annotated[Literal["json", "console"], _doc("How it is logged")] = "json"
    metrics_host: Annotated[str, _doc("Address on which scheduler and workers serve their metrics")] = "127.0.0.1"
    metrics_port: Annotated[
        int, _doc("Port of a scheduler's or a worker's metrics; 0 is none. `up` counts on from here, scheduler first")
    ] = 0
    metrics_token: Annotated[str, _doc("Bearer token that the API's `/metrics` asks for; empty is open")] = ""
    max_body_bytes: Annotated[int, _doc("Largest JSON body")] = 1_048_576
    database_pool_size: Annotated[int, _doc("Most connections to Postgres of one process")] = 10
    room_connections: Annotated[int, _doc("Most sockets and streams of one API process; the next is refused: 503")] = (
        10_000
    )
    room_connections_per_key: Annotated[int, _doc("Most of them opened with one API key, or its tickets")] = 20
    room_connections_per_principal: Annotated[int, _doc("Most of them of one key, token or user to one project")] = 5

    # limits on what may be asked for
    max_duration_s: Annotated[float, _doc("Longest film")] = 300.0
    max_tracks: Annotated[int, _doc("Most tracks of a timeline")] = 32
    max_layers: Annotated[
        int,
        _doc("Most clips seen at one moment, but for texts that stay as they are; an encoder holds pictures of each"),
    ] = 100
    max_width: Annotated[int, _doc("Widest picture; the longer side counts, so that portrait is as welcome")] = 1920
    max_height: Annotated[int, _doc("Highest picture; the shorter side counts")] = 1920
    max_asset_bytes: Annotated[int, _doc("Largest asset")] = 10 * 1024**3
    multipart_threshold_bytes: Annotated[int, _doc("Uploads above this size go in parts")] = 100 * 1024**2

    # the way out: fetching sources, sending webhooks
    outbound_allow: Annotated[
        tuple[str, ...],
        _doc(
            "Private hosts and networks that may be connected to, on any port, comma separated; else public ones only"
        ),
    ] = ()
    outbound_ports: Annotated[
        tuple[int, ...], _doc("Ports of public hosts that may be connected to, comma separated")
    ] = (80, 443, 8080, 8443)
    outbound_plain_http: Annotated[bool, _doc("Whether `http://` will do for sources and webhooks")] = False
    source_timeout_s: Annotated[float, _doc("Longest the fetching of one source may take")] = 1800.0
    source_cache_s: Annotated[
        float, _doc("How long a fetched source is kept after it was last used; more than RENDEROWL_RENDER_DEADLINE_S")
    ] = 7 * 86_400.0

    # the queue
    ageing_s: Annotated[
        float, _doc("A step that waits this long is raised by one class, never to urgent; 0 is never")
    ] = 600.0
    project_slots: Annotated[int, _doc("Most steps of one project that run at once; 0 is no cap")] = 0
    key_slots: Annotated[int, _doc("Most steps of the renders of one API key that run at once; 0 is no cap")] = 0
    urgent_reserve: Annotated[int, _doc("Slots of the installation that only urgent renders may take")] = 0
    step_deadline_s: Annotated[float, _doc("Longest a try of a step may take; 0 is no limit")] = 3600.0

    # the remote runner
    remote_endpoint: Annotated[
        str, _doc("A RunPod-shaped endpoint that renders are sent to, such as `https://api.runpod.ai/v2/abc123`")
    ] = ""
    remote_api_key: Annotated[str, _doc("Bearer token that the endpoint asks for")] = ""
    remote_renders: Annotated[
        Literal["all", "asked"],
        _doc("Which renders go there: all that require no label of a worker, or those that require the label `remote`"),
    ] = "all"
    remote_slots: Annotated[int, msgspec.Meta(ge=1), _doc("Renders that one remote runner has there at once")] = 8
    remote_price_per_s: Annotated[
        float, msgspec.Meta(ge=0), _doc("What a second of execution there costs, in whatever currency you reckon in")
    ] = 0.0
    remote_execution_s: Annotated[
        float, msgspec.Meta(ge=5), _doc("Longest a render may execute there (`executionTimeout`)")
    ] = 1800.0
    remote_wait_s: Annotated[
        float, msgspec.Meta(ge=5), _doc("How much longer it may wait there until it executes, before it is given up")
    ] = 900.0
    remote_poll_s: Annotated[
        float, msgspec.Meta(gt=0), _doc("How often the endpoint is asked how a render is; callbacks only hasten it")
    ] = 5.0

    # what is kept
    cache_bytes: Annotated[
        int, _doc("Most bytes of encoded segments and sound tracks kept for other renders; 0 keeps all")
    ] = 50 * 1024**3
    log_retention_s: Annotated[float, _doc("How long encoders' logs are kept after a render's end; 0 is for ever")] = (
        30 * 86_400.0
    )

    # workers
    worker_slots: Annotated[int, _doc("Steps a worker runs at once; 0 is one a core")] = 0
    work_dir: Annotated[str, _doc("Where workers keep inputs and intermediate files; empty is a temporary folder")] = ""
    input_cache_bytes: Annotated[int, _doc("Most bytes of downloaded inputs a worker keeps")] = 10 * 1024**3
    ffmpeg: Annotated[str, _doc("FFmpeg to use; empty looks in the imageio-ffmpeg wheel, then on PATH")] = ""
    hardware_encoder: Annotated[
        Literal["", "auto", "nvenc", "qsv", "vaapi", "videotoolbox"],
        _doc("Encoder of H.264 and HEVC in hardware; `auto` takes one that works, else software; empty is software"),
    ] = ""
    ffprobe: Annotated[str, _doc("ffprobe to use; empty looks beside FFmpeg, then on PATH, then uses PyAV")] = ""
    lease_s: Annotated[float, _doc("A running step belongs to its worker for this long after a heartbeat")] = 15.0
    heartbeat_s: Annotated[float, _doc("How often a worker renews its leases")] = 5.0
    stall_timeout_s: Annotated[float, _doc("An encoder without a new frame for this long is stopped")] = 60.0
    silence_timeout_s: Annotated[
        float, _doc("A step of which nothing is heard for this long, no frame and no file moved, is stopped")
    ] = 900.0
    spare_disk_bytes: Annotated[int, _doc("What must be left on a worker's disk before a step begins")] = 256 * 1024**2
    drain_timeout_s: Annotated[float, _doc("How long a stopping worker lets running steps finish")] = 10.0
    render_deadline_s: Annotated[float, _doc("Longest an attempt of a render may take")] = 4 * 3600.0

    @property
    def base_url(self) -> str:
        """`public_url`, or what host and port make of it, without a slash at the end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret that signs, then those that are accepted beside it."""
        return (self.secret_key, *self.other_secret_keys)

    def of_tier(
        self, what: Literal["requests_per_minute", "renders_per_day", "projects", "keys", "storage_bytes"], tier: Tier
    ) -> int:
        """How much of this an account of the tier may have or do; 0 is no limit."""
        limit: int = getattr(self, f"{what}_{tier}")
        return limit

    def require(self, *fields: str) -> None:
        """Raise SettingsError unless all of these fields are set."""
        missing = [f"{PREFIX}{name.upper()}" for name in fields if not getattr(self, name)]
        if missing:
            instead = "where `renderowl up` runs, give most commands its folder instead, such as --data-dir .renderowl"
            raise SettingsError(f"{', '.join(missing)} must be set; {instead}")
        if "secret_key" in fields and len(self.secret_key) < 32:
            raise SettingsError("RENDEROWL_SECRET_KEY must have at least 32 characters")
        if "secret_key" in fields and any(len(secret) < 32 for secret in self.other_secret_keys):
            raise SettingsError("RENDEROWL_OTHER_SECRET_KEYS: each must have at least 32 characters")


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Make settings of the environment (`os.environ` unless given) and of `overrides`, which win.

    Raises SettingsError naming the variable when a value does not fit or when an unknown RENDEROWL_ variable is set.
    """
    source = os.environ if environ is None else environ
    known = {field.name: field for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in source.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {PREFIX}{nearest[0].upper()}?" if nearest else "; see docs/configuration.md"
            raise SettingsError(f"{variable} is not a setting{meant}")
        if isinstance(known[name].default, tuple):
            values[name] = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            values[name] = text
    values.update(overrides)
    for name, value in values.items():
        try:
            values[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{PREFIX}{name.upper()}: {error}") from None
    settings = Settings(**values)
    for origin in settings.allowed_origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(f"{PREFIX}ALLOWED_ORIGINS: {origin!r} is not an origin such as https://editor.example")
    if settings.remote_endpoint:
        _check_remote(settings)
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}TRUSTED_PROXIES: {error}") from None
    for place in settings.outbound_allow:
        if not _is_place(place):
            raise SettingsError(
                f"{PREFIX}OUTBOUND_ALLOW: {place!r} is neither a host nor a network such as 10.1.0.0/16"
            )
    return settings


def _check_remote(settings: Settings) -> None:
    if not _ENDPOINT.fullmatch(settings.remote_endpoint):
        raise SettingsError(f"{PREFIX}REMOTE_ENDPOINT: must be a URL such as https://api.runpod.ai/v2/abc123")
    longest_s = settings.remote_wait_s + settings.remote_execution_s + REMOTE_GRACE_S
    for name in ("step_deadline_s", "render_deadline_s"):
        if 0 < getattr(settings, name) < longest_s:
            raise SettingsError(
                f"{PREFIX}{name.upper()}: must be at least {longest_s:g}, {REMOTE_GRACE_S:g} more than a render may wait"
                " and execute at the remote endpoint"
            )


def _is_place(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry)
    except ValueError:
        return _HOST.fullmatch(entry) is not None
    return True
