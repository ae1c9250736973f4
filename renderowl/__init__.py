"""RenderOwl: post a JSON description of a video and watch it render."""

__version__ = "0.1.0"
