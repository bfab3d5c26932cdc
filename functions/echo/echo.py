"""Greets whoever calls: API Gateway (REST or HTTP API, proxy integration) or a function URL."""

from __future__ import annotations

import json
from typing import Any

from shared.greeting import greet


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``?name=robert`` -> ``{"message": "Guten tag robert!"}``. A REST API sends null where there is no query."""
    query = event.get("queryStringParameters") or {}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "isBase64Encoded": False,
        "body": json.dumps({"message": greet(query.get("name"))}),
    }
