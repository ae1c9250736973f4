"""Fixtures of the tests on real servers."""

from renderowl.testing.service import service
from renderowl.testing.serving import world

__all__ = ["service", "world"]
