"""The Piccolo app: tables and migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from renderowl.db.tables import TABLES

APP_CONFIG = AppConfig(
    app_name="renderowl",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=list(TABLES),
)
