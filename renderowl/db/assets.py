"""Assets in Postgres, always within a project."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.records import Asset

_COLUMNS = ", ".join(Asset.__struct_fields__)


async def insert(db: Database, asset: Asset) -> None:
    """Store a new asset."""
    await db.execute(
        "INSERT INTO assets (id, project_id, name, type, status, content_type, size_bytes, storage_key,"
        " checksum_sha256, upload_id, upload_expires_at, created_at, updated_at, unattended)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$12,$13)",
        asset.id,
        asset.project_id,
        asset.name,
        asset.type,
        asset.status,
        asset.content_type,
        asset.size_bytes,
        asset.storage_key,
        asset.checksum_sha256,
        asset.upload_id,
        asset.upload_expires_at,
        asset.created_at,
        asset.unattended,
    )


async def get(db: Database, project_id: str, asset_id: str) -> Asset | None:
    """One asset of a project."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM assets WHERE id = $1 AND project_id = $2", asset_id, project_id)
    return None if row is None else _asset(row)


async def get_many(db: Database, project_id: str, asset_ids: Sequence[str]) -> dict[str, Asset]:
    """The assets of a project among these ids."""
    if not asset_ids:
        return {}
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM assets WHERE project_id = $1 AND id = ANY($2::text[])", project_id, list(asset_ids)
    )
    return {row["id"]: _asset(row) for row in rows}


async def newest_by_name(db: Database, project_id: str, names: Sequence[str]) -> dict[str, Asset]:
    """The assets of a project with these names; of several of one name the newest."""
    rows = await db.fetch(
        f"SELECT DISTINCT ON (name) {_COLUMNS} FROM assets WHERE project_id = $1 AND name = ANY($2::text[])"
        " ORDER BY name, id DESC",
        project_id,
        list(names),
    )
    return {row["name"]: _asset(row) for row in rows}


async def candidates(db: Database, project_id: str, names: Sequence[str]) -> list[Asset]:
    """Of the assets of each name the newest that is more than announced, and those announced since; newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM assets a WHERE project_id = $1 AND name = ANY($2::text[]) AND id >= coalesce((SELECT"
        " max(b.id) FROM assets b WHERE b.project_id = $1 AND b.name = a.name AND b.status <> 'pending'), '')"
        " ORDER BY id DESC",
        project_id,
        list(names),
    )
    return [_asset(row) for row in rows]


async def list_page(
    db: Database,
    project_id: str,
    *,
    before_id: str | None,
    limit: int,
    type: str | None = None,
    status: str | None = None,
) -> list[Asset]:
    """Newest first, those before `before_id`."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM assets WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " AND ($3::text IS NULL OR type = $3) AND ($4::text IS NULL OR status = $4) ORDER BY id DESC LIMIT $5",
        project_id,
        before_id,
        type,
        status,
        limit,
    )
    return [_asset(row) for row in rows]


async def rename(db: Database, asset_id: str, name: str) -> None:
    """Change an asset's name."""
    await db.execute("UPDATE assets SET name = $2, updated_at = now() WHERE id = $1", asset_id, name)


async def get_pending(db: Database, asset_id: str, storage_key: str) -> Asset | None:
    """The asset that still waits for its upload to this key, if one does."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM assets WHERE id = $1 AND storage_key = $2 AND status = 'pending'",
        asset_id,
        storage_key,
    )
    return None if row is None else _asset(row)


async def set_arrived(db: Database, asset_id: str, size_bytes: int) -> None:
    """Note how long the upload is that a pending asset has got."""
    await db.execute(
        "UPDATE assets SET size_bytes = $2, updated_at = now() WHERE id = $1 AND status = 'pending'",
        asset_id,
        size_bytes,
    )


async def start_processing(db: Database, asset_id: str, size_bytes: int) -> bool:
    """Move `pending` to `processing`, now that so many bytes are there; False when it is not pending."""
    return bool(
        await db.execute(
            "UPDATE assets SET status = 'processing', size_bytes = $2, updated_at = now()"
            " WHERE id = $1 AND status = 'pending'",
            asset_id,
            size_bytes,
        )
    )


async def finish_processing(
    db: Database,
    asset_id: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    content_hash: str | None = None,
    content_type: str | None = None,
    type: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> Asset | None:
    """Move `processing` to `ready`, or to `failed` with an error; None when it was not processing any more."""
    row = await db.fetch_one(
        "UPDATE assets SET status = CASE WHEN $2::jsonb IS NULL THEN 'ready' ELSE 'failed' END, error = $2::jsonb,"
        " metadata = $3::jsonb, content_hash = $4, content_type = coalesce($5, content_type),"
        " type = coalesce($6, type), upload_id = NULL, updated_at = now()"
        f" WHERE id = $1 AND status = 'processing' RETURNING {_COLUMNS}",
        asset_id,
        None if error is None else to_json(error),
        None if metadata is None else to_json(metadata),
        content_hash,
        content_type,
        type,
    )
    return None if row is None else _asset(row)


async def renew_upload(db: Database, asset: Asset) -> bool:
    """Let a pending upload go on until `upload_expires_at`, under its `upload_id`; False when it is not pending."""
    return bool(
        await db.execute(
            "UPDATE assets SET upload_id = $2, upload_expires_at = $3, updated_at = now()"
            " WHERE id = $1 AND status = 'pending'",
            asset.id,
            asset.upload_id,
            asset.upload_expires_at,
        )
    )


async def share(db: Database, asset: Asset) -> Asset | None:
    """Let a ready asset share the object of an older one with the same bytes, which is locked; None without one."""
    if asset.status != "ready" or asset.content_hash is None:
        return None
    twin = await db.fetch_value(
        "SELECT storage_key FROM assets WHERE project_id = $1 AND content_hash = $2 AND content_type = $3"
        " AND status = 'ready' AND id < $4 ORDER BY id LIMIT 1 FOR UPDATE",
        asset.project_id,
        asset.content_hash,
        asset.content_type,
        asset.id,
    )
    if twin is None:
        return None
    row = await db.fetch_one(f"UPDATE assets SET storage_key = $2 WHERE id = $1 RETURNING {_COLUMNS}", asset.id, twin)
    return None if row is None else _asset(row)


async def lock_sharers(db: Database, asset: Asset) -> set[str]:
    """The assets whose bytes are this one's object, itself among them; none begins or ceases to before the commit."""
    rows = await db.fetch(
        "SELECT id FROM assets WHERE project_id = $1 AND storage_key = $2 ORDER BY id FOR UPDATE",
        asset.project_id,
        asset.storage_key,
    )
    return {row["id"] for row in rows}


async def used_by(db: Database, project_id: str, asset_id: str) -> list[str]:
    """Renders of the project that are not done and name the asset; at most five."""
    rows = await db.fetch(
        "SELECT id FROM renders WHERE project_id = $1 AND status IN ('queued', 'processing')"
        " AND (strpos(input_props::text, $2) > 0 OR strpos(output_settings::text, $2) > 0) ORDER BY id LIMIT 5",
        project_id,
        asset_id,
    )
    return [row["id"] for row in rows]


async def delete(db: Database, asset_id: str) -> bool:
    """Delete the row; False when it was gone."""
    return bool(await db.execute("DELETE FROM assets WHERE id = $1", asset_id))


async def stuck(db: Database, *, limit: int = 20) -> list[Asset]:
    """Assets in `processing` whose process died, and uploads that were never completed.

    One that lives has five minutes, and a second for every 20 MB: what is large is copied twice before it is looked into.
    """
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM assets WHERE (status = 'processing' AND updated_at"
        " < now() - interval '5 minutes' - size_bytes / 20e6 * interval '1 second')"
        " OR (status = 'pending' AND upload_expires_at < now() - interval '1 hour') ORDER BY id LIMIT $1",
        limit,
    )
    return [_asset(row) for row in rows]


def _asset(row: asyncpg.Record) -> Asset:
    values = dict(row)
    values["metadata"] = from_json(values["metadata"])
    values["error"] = from_json(values["error"])
    return Asset(**values)
