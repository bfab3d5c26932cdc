"""What a handler finds around it on Lambda: its variables, and the folders that shared libraries are looked for in."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..model import Function

SET = re.compile(
    r"AWS_(ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN|(LAMBDA|XRAY|CONTAINER)_.*)|_.*|LC_.*"
    r"|PYTHONPATH|PWD|SHLVL|USER|LOGNAME|HOSTNAME"
)
"""Variables that Lambda, or who wrote its runtime, may set beside those that a trial has."""
LACKED = "lacked"
"""A folder of empty files: the loader takes none of them, and looks no further."""


def values(function: Function) -> dict[str, str]:
    """The function's own variables; those that are expanded only when it is deployed are empty."""
    found = {}
    for name, secret in function.environment.items():
        try:
            found[name] = secret.reveal()
        except TypeError:
            found[name] = ""
    return found


def environ(function: Function, folder: Path, places: list[Path]) -> dict[str, str]:
    """All variables of a process that imports the handler in ``places``, the first its own; ``folder`` is for its use.

    numpy begins a thread for each processor, and needs none of them to be imported. The home is the one that Lambda's
    user has: it is not there, and nobody can make it.
    """
    own = {"OPENBLAS_NUM_THREADS": "1", "HOME": "/home/sbx_user1051", "LANG": "en_US.UTF-8", "TZ": ":UTC"}
    return {**own, **values(function), **_lambda(function, folder, places)}


def _lambda(function: Function, folder: Path, places: list[Path]) -> dict[str, str]:
    """The variables that Lambda sets, without credentials: importing must not reach AWS as whoever builds.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    group = function.settings.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function.aws_name}"
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.settings.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": function.aws_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": "2000/01/01/[$LATEST]00000000000000000000000000000000",
        "AWS_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(places[0]),
        "LD_LIBRARY_PATH": libraries(function, folder, places),
        "PATH": os.defpath,
        "TMPDIR": str(folder / "tmp"),
        "_HANDLER": function.handler,
    }


def libraries(function: Function, folder: Path, places: list[Path]) -> str:
    """Lambda's has the package and its lib/, and none of a layer's folders for Python."""
    places = places[:1] if function.packaging.layer else places
    lacked = [folder / LACKED] if (folder / LACKED).is_dir() else []
    return os.pathsep.join(map(str, [*lacked, *(path for place in places for path in (place, place / "lib"))]))
