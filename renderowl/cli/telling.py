"""What went wrong, as somebody at a terminal is told it: every field that is wrong once, on a line of its own."""

from renderowl.domain.errors import RenderOwlError


def told(error: RenderOwlError) -> str:
    """What an error says and where; a summary that only repeats its first field is replaced by a count."""
    lines = [f"{one.path}: {one.message}" for one in error.errors]
    first = error.errors[0] if error.errors else None
    if first is None or not (error.detail == first.message or error.detail.startswith(f"{first.path} {first.message}")):
        return "\n  ".join([error.detail, *lines])
    return lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} fields are wrong", *lines])
