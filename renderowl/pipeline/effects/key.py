"""Chroma key: what has the hue of a colour becomes transparent."""

from renderowl.pipeline.graph import Stream
from renderowl.pipeline.timeline import ChromaKey


def keyed(picture: Stream, key: ChromaKey) -> Stream:
    """Return the picture, which is limited BT.709, without what is like the key's colour.

    The colour is given as the filter's own numbers: it would take RGB for full-range BT.601 and miss a bright green.
    """
    red, green, blue = (int(key.color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    values = 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
    color = "0x" + "".join(f"{round(value):02x}" for value in values)
    return picture.then("chromakey", color, f"{key.similarity:g}", f"{key.blend:g}", yuv=1)
