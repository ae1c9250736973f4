"""Fixtures of the tests on real servers."""

from renderowl.testing.service import service

__all__ = ["service"]
