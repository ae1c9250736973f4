"""What every test may use."""

pytest_plugins = ["renderowl.testing.fixtures", "renderowl.testing.serving"]
