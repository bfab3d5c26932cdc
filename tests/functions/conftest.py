"""Functions import here what they import in Lambda: their own folder's content, and ``shared`` beside it."""

from __future__ import annotations

import sys
from pathlib import Path

FUNCTIONS = Path(__file__).parents[2] / "functions"

sys.path[:0] = [str(folder) for folder in (FUNCTIONS, *sorted(FUNCTIONS.iterdir())) if folder.is_dir()]
