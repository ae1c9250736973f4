"""The library: games, clips, highlight regions and final videos."""

from piccolo.columns import JSONB, BigInt, Boolean, DoublePrecision, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Games(Table, tablename="games"):
    id = Text(primary_key=True)
    owner_id = Text()
    name = Text()
    video_path = Text(null=True)
    thumbnail_path = Text(null=True)
    duration = DoublePrecision(null=True)
    fps = DoublePrecision(null=True)
    width = Integer(null=True)
    height = Integer(null=True)
    opponent_name = Text(null=True)
    game_date = Text(null=True)
    game_type = Text()
    tournament_name = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class RawClips(Table, tablename="raw_clips"):
    id = Text(primary_key=True)
    owner_id = Text()
    game_id = Text()
    video_path = Text()
    start_time = DoublePrecision()
    end_time = DoublePrecision()
    rating = SmallInt()
    tags = JSONB()
    notes = Text(null=True)
    thumbnail_path = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class WorkingClips(Table, tablename="working_clips"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text()
    raw_clip_id = Text()
    clip_index = Integer()
    crop_keyframes = JSONB()
    is_exported = Boolean()
    exported_path = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class HighlightRegions(Table, tablename="highlight_regions"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text()
    start_frame = Integer()
    end_frame = Integer()
    x = DoublePrecision()
    y = DoublePrecision()
    radius_x = DoublePrecision()
    radius_y = DoublePrecision()
    opacity = DoublePrecision()
    color = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class FinalVideos(Table, tablename="final_videos"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text(null=True)
    game_id = Text(null=True)
    name = Text()
    video_path = Text()
    thumbnail_path = Text(null=True)
    source_type = Text()
    duration = DoublePrecision(null=True)
    file_size = BigInt(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
