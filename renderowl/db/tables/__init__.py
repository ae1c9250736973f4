"""The tables, as Piccolo classes. The columns here and those the migrations make are compared by a test.

Defaults, checks, foreign keys and indexes live in the migrations, in SQL, where partial indexes can be said.
"""

from typing import Final

from renderowl.db.tables.accounts import ApiKeys, KeyUsage, RenderDays, RevokedTokens, Users
from renderowl.db.tables.events import Automations, Deliveries, Events, Executions, Webhooks, WebhookSecrets
from renderowl.db.tables.library import FinalVideos, Games, HighlightRegions, RawClips, WorkingClips
from renderowl.db.tables.media import Assets, Edls, FetchedSources, Projects, Sessions
from renderowl.db.tables.queue import Dispatches, ProjectQueues, ProjectWeights, QueueClasses, QueuePauses, Workers
from renderowl.db.tables.renders import CacheEntries, Errands, PreviewPieces, Renders, Steps

TABLES: Final = (
    Users,
    ApiKeys,
    RevokedTokens,
    KeyUsage,
    RenderDays,
    Projects,
    Assets,
    FetchedSources,
    Renders,
    PreviewPieces,
    CacheEntries,
    Steps,
    Dispatches,
    Errands,
    Workers,
    QueueClasses,
    ProjectQueues,
    ProjectWeights,
    QueuePauses,
    Events,
    Deliveries,
    Webhooks,
    WebhookSecrets,
    Automations,
    Executions,
    Sessions,
    Edls,
    Games,
    RawClips,
    WorkingClips,
    HighlightRegions,
    FinalVideos,
)
