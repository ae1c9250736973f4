"""The library: games, raw clips, working clips, highlight regions and final videos, each its owner's."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T10:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "library"

SQL = """
CREATE TABLE games (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    video_path TEXT,
    thumbnail_path TEXT,
    duration DOUBLE PRECISION,
    fps DOUBLE PRECISION,
    width INTEGER,
    height INTEGER,
    opponent_name TEXT,
    game_date TEXT,
    game_type TEXT NOT NULL,
    tournament_name TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX games_owner ON games (owner_id, id);

CREATE TABLE raw_clips (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    game_id TEXT NOT NULL REFERENCES games(id) ON DELETE CASCADE,
    video_path TEXT NOT NULL,
    start_time DOUBLE PRECISION NOT NULL,
    end_time DOUBLE PRECISION NOT NULL,
    rating SMALLINT NOT NULL,
    tags JSONB NOT NULL,
    notes TEXT,
    thumbnail_path TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX raw_clips_owner ON raw_clips (owner_id, id);
CREATE INDEX raw_clips_game ON raw_clips (game_id, id);

-- a raw clip that is used is not deleted: its users go first
CREATE TABLE working_clips (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    raw_clip_id TEXT NOT NULL REFERENCES raw_clips(id),
    clip_index INTEGER NOT NULL,
    crop_keyframes JSONB NOT NULL,
    is_exported BOOLEAN NOT NULL,
    exported_path TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX working_clips_owner ON working_clips (owner_id, id);
CREATE INDEX working_clips_project ON working_clips (project_id, id);
CREATE INDEX working_clips_raw_clip ON working_clips (raw_clip_id);

CREATE TABLE highlight_regions (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    start_frame INTEGER NOT NULL,
    end_frame INTEGER NOT NULL,
    x DOUBLE PRECISION NOT NULL,
    y DOUBLE PRECISION NOT NULL,
    radius_x DOUBLE PRECISION NOT NULL,
    radius_y DOUBLE PRECISION NOT NULL,
    opacity DOUBLE PRECISION NOT NULL,
    color TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX highlight_regions_owner ON highlight_regions (owner_id, id);
CREATE INDEX highlight_regions_project ON highlight_regions (project_id, id);

CREATE TABLE final_videos (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects(id) ON DELETE SET NULL,
    game_id TEXT REFERENCES games(id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    video_path TEXT NOT NULL,
    thumbnail_path TEXT,
    source_type TEXT NOT NULL,
    duration DOUBLE PRECISION,
    file_size BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX final_videos_owner ON final_videos (owner_id, id);
CREATE INDEX final_videos_project ON final_videos (project_id);
CREATE INDEX final_videos_game ON final_videos (game_id);
"""

BACKWARDS = """
DROP TABLE final_videos, highlight_regions, working_clips, raw_clips, games;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
