"""Generated tests are the same in every run; ``HYPOTHESIS_PROFILE=soak`` looks further, elsewhere each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("normal", max_examples=40, derandomize=True, deadline=None, database=None)
settings.register_profile(
    "soak", max_examples=1500, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("quick", settings.get_profile("normal"), phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))
