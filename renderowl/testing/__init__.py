"""What tests of RenderOwl, and of programs that use it, stand on. `docs/testing.md` is about the latter.

A fake renderer's acts are here; the fixtures that take them come with the pytest plugin (`plugin.py`).
"""

from renderowl.testing.script import Fail, Film, Percent, Wait

__all__ = ["Fail", "Film", "Percent", "Wait"]
