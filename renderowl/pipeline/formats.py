"""What FFmpeg may be given: the demuxers that read plain media and follow nothing."""

from typing import Final

MEDIA_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mp3,aac,wav,flac,ogg,"
    "image2,png_pipe,jpeg_pipe,webp_pipe,gif,bmp_pipe,tiff_pipe"
)
"""Demuxers a caller's file may need; playlists, SVG and scripts are not among them."""

MAX_PIXELS: Final = 40_000_000
"""A picture of a few hundred kilobytes can unpack to gigabytes; each input is refused above this."""

GUARD: Final = ("-protocol_whitelist", "file,pipe", "-format_whitelist", MEDIA_FORMATS, "-max_pixels", str(MAX_PIXELS))
"""Stands before every `-i`: the protocol list alone stopped no playlist in disguise."""
