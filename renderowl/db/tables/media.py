"""What films are made of: projects, assets, fetched sources, sessions and their edit decision lists."""

from piccolo.columns import JSONB, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class Projects(Table, tablename="projects"):
    id = Text(primary_key=True)
    owner_id = Text()
    name = Text()
    description = Text(null=True)
    status = Text()
    settings = JSONB()
    event_epoch = Text()
    event_seq = BigInt()
    asset_count = Integer()
    render_count = Integer()
    created_by = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    handle = Text(null=True)


class Assets(Table, tablename="assets"):
    id = Text(primary_key=True)
    project_id = Text()
    name = Text()
    type = Text()
    status = Text()
    content_type = Text()
    size_bytes = BigInt()
    storage_key = Text()
    checksum_sha256 = Text(null=True)
    content_hash = Text(null=True)
    upload_id = Text(null=True)
    upload_expires_at = Timestamptz(null=True)
    metadata = JSONB(null=True)
    error = JSONB(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    unattended = Boolean()


class FetchedSources(Table, tablename="fetched"):
    id = Text(primary_key=True)
    project_id = Text()
    url = Text()
    etag = Text(null=True)
    last_modified = Text(null=True)
    content_hash = Text()
    storage_key = Text()
    size_bytes = BigInt()
    content_type = Text()
    metadata = JSONB()
    status = Text()
    created_at = Timestamptz()
    used_at = Timestamptz()


class Sessions(Table, tablename="sessions"):
    id = Text(primary_key=True)
    project_id = Text()
    name = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class Edls(Table, tablename="edls"):
    session_id = Text(primary_key=True)
    document = JSONB()
    version = Integer()
    locked_at = Timestamptz(null=True)
    updated_at = Timestamptz()
