"""Piccolo's configuration, for its own command line; the service itself uses `renderowl/db/conf.py` just the same."""

from renderowl.db.conf import APP_REGISTRY, DB

__all__ = ["APP_REGISTRY", "DB"]
