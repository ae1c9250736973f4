"""The owl on the pictures of the documentation, drawn here so that nobody else's rights are in them."""

from PIL import Image, ImageDraw

_LINES = 180
"""The drawing's own height; 0, 0 is the middle of its lower edge."""


def owl(width: int, height: int, sky: tuple[str, str]) -> Image.Image:
    """Draw an owl on a branch before a sky from one colour down to another, with a moon unless the two are the same."""
    size, unit = (width * 2, height * 2), height * 2 / _LINES
    picture = Image.composite(
        Image.new("RGB", size, sky[1]), Image.new("RGB", size, sky[0]), Image.linear_gradient("L").resize(size)
    )
    draw = ImageDraw.Draw(picture)

    def place(x: float, y: float) -> tuple[float, float]:
        return width + x * unit, height * 2 + y * unit

    def oval(x: float, y: float, across: float, down: float, color: str) -> None:
        draw.ellipse([place(x - across, y - down), place(x + across, y + down)], fill=color)

    if sky[0] != sky[1]:
        oval(95, -145, 21, 21, "#f6f1d5")
    draw.line([0, height * 2 - 20 * unit, 2 * width, height * 2 - 35 * unit], fill="#3b2a20", width=round(9 * unit))
    for side in (-1, 1):
        draw.polygon([place(side * x, y) for x, y in ((11, -131), (35, -156), (33, -115))], fill="#6b4a35")
    oval(0, -75, 38, 52, "#7d573d")
    oval(0, -112, 35, 29, "#8a6245")
    oval(0, -65, 24, 37, "#d9b78c")
    for row in range(4):
        for column in range(-2, 3):
            oval(column * 8 + 4 * (row % 2), -85 + row * 12, 2.5, 4, "#a87b54")
    for side in (-1, 1):
        oval(side * 15.5, -115, 15, 15, "#f2e3c6")
        oval(side * 15.5, -115, 10, 10, "#ffc845")
        oval(side * 14.5, -115, 5.5, 5.5, "#151515")
        oval(side * 13, -117.5, 2, 2, "#ffffff")
        oval(side * 36, -70, 10, 35, "#5f4230")
        oval(side * 11, -28, 8, 4, "#e0a03a")
    draw.polygon([place(x, y) for x, y in ((-4.5, -108), (4.5, -108), (0, -95))], fill="#e0a03a")
    return picture.resize((width, height), Image.Resampling.LANCZOS)
