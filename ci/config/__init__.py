"""pipeline.yaml: read, checked, and every problem of it told at once, with its line."""

from ci.config.load import load

__all__ = ["load"]
