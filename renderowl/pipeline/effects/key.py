"""Chroma key: what has the hue of a colour becomes transparent."""

from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import ChromaKey


def keyed(picture: Stream, key: ChromaKey, size: Size) -> Stream:
    """Return the picture, which is limited BT.709, without what is like the key's colour; what was transparent stays so.

    The filter looks at nine pixels for each and is slow; hues are told for every second pixel of every second line only, so
    that is where it looks. The colour is given as its own numbers: it would take RGB for full-range BT.601.
    """
    red, green, blue = (int(key.color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    values = 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
    color = "0x" + "".join(f"{round(value):02x}" for value in values)
    whole, copy = picture.split()
    colors, opacity = whole.split()
    kept = (
        copy.then("scale", max(2, size.width // 2), max(2, size.height // 2), flags="bicubic")
        .then("format", "yuva444p")
        .then("chromakey", color, f"{key.similarity:g}", f"{key.blend:g}", yuv=1)
        .then("alphaextract")
        .then("scale", size.width, size.height, flags="bilinear")
    )
    seen = combined("blend", [opacity.then("alphaextract"), kept], all_mode="darken")
    return combined("alphamerge", [colors, seen])
