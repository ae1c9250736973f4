"""What Piccolo asks for by name: an engine and the app registry. The pool of the running service is made in `database.py`."""

import os

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

DB = PostgresEngine(config={"dsn": os.environ.get("RENDEROWL_DATABASE_URL", "postgresql://localhost/renderowl")})

APP_REGISTRY = AppRegistry(apps=["renderowl.db.piccolo_app"])
