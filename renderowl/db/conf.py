"""What Piccolo asks for by name: an engine and the app registry. The running service makes its own pool."""

import os

from piccolo.conf.apps import AppRegistry

from renderowl.db.engine import Engine, connect_options

DB = Engine(config=connect_options(os.environ.get("RENDEROWL_DATABASE_URL", "postgresql://localhost/renderowl")))

APP_REGISTRY = AppRegistry(apps=["renderowl.db.piccolo_app"])
