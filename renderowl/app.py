"""The composition root: the one place where parts are put together."""
