"""Benchmarks start the same emulators as the tests do."""

from tests.emulated.conftest import *  # noqa: F401, F403
