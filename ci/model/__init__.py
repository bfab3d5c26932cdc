"""The nouns: what the repository says, what was built; in ``live``, what AWS runs. Frozen, no I/O. Read these first."""

from ci.model.package import REQUEST_LIMIT, UNZIPPED_LIMIT, Dependency, File, LeftOut, Package, fits, normalise
from ci.model.pipeline import (
    SLIM,
    Attachment,
    Canary,
    CodeDeploy,
    Function,
    Hooks,
    Packaging,
    Pipeline,
    Secret,
    Settings,
    Site,
    Smoke,
    Stage,
    label,
)

__all__ = [
    "REQUEST_LIMIT",
    "SLIM",
    "UNZIPPED_LIMIT",
    "Attachment",
    "Canary",
    "CodeDeploy",
    "Dependency",
    "File",
    "Function",
    "Hooks",
    "LeftOut",
    "Package",
    "Packaging",
    "Pipeline",
    "Secret",
    "Settings",
    "Site",
    "Smoke",
    "Stage",
    "fits",
    "label",
    "normalise",
]
