"""Limits on what may be asked for; the caller's tier decides about them, not the document."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The largest film that is accepted. `max_width` bounds the longer side and `max_height` the shorter one."""

    max_duration_s: float = 300.0
    max_longform_s: float = 3 * 3600.0
    """The same for the composition `longform`, and for the sum of its sounds."""
    max_tracks: int = 32
    max_clips: int = 2000
    max_layers: int = 100
    """Clips seen at one moment, but for texts that stay as they are: an encoder holds some pictures of each."""
    max_width: int = 1920
    max_height: int = 1920
    max_fps: float = 60.0
    plain_http: bool = False
    """Whether a source may begin with `http://`."""
    local_files: bool = False
    """Whether a source may be a path of this machine: only for a caller at its command line."""
