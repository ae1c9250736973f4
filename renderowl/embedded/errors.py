"""What goes wrong with embedded servers, told in one line."""


class EmbeddedError(Exception):
    """An embedded server or the all-in-one stack cannot do what was asked; the message says why and what to do."""
