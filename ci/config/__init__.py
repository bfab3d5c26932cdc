"""pipeline.yaml: read, checked, and every problem of it told at once, with its line."""

from ci.config.load import load
from ci.config.shape import keys

__all__ = ["keys", "load"]
