"""Lambda's rules for environment variables that its service model does not tell. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ci.model import Secret

LIMIT = 4096
"""Bytes of all variables of a function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

RESERVED = frozenset(
    """_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE
    AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR AWS_LAMBDA_MAX_CONCURRENCY
    AWS_LAMBDA_METADATA_API AWS_LAMBDA_METADATA_TOKEN""".split()
)
"""Names that Lambda sets itself and refuses. ``AWS_LAMBDA_EXEC_WRAPPER``, say, is not one of them."""


def size_problem(environment: Mapping[str, Secret]) -> str | None:
    """What is wrong where the variables, none of them a template, are too many. Lambda measures them as JSON."""
    values = {name: value.reveal() for name, value in environment.items()}
    size = len(json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode())
    return f"takes {size} bytes as JSON; Lambda allows {LIMIT}" if size > LIMIT else None
