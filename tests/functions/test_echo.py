"""functions/echo, called as its callers call it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from echo import handle

REST = {
    "resource": "/echo", "path": "/echo", "httpMethod": "GET", "headers": {"Host": "example.org"},
    "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None, "body": None,
    "isBase64Encoded": False, "requestContext": {"stage": "live", "httpMethod": "GET"},
}
"""https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html"""
HTTP = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/", "headers": {"host": "example.org"},
    "isBase64Encoded": False, "requestContext": {"http": {"method": "GET", "path": "/"}, "stage": "$default"},
}
"""HTTP API and function URL: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html"""


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({**REST, "queryStringParameters": {"name": "robert"}}, "Guten tag robert!"),
        ({**REST, "queryStringParameters": None}, "Guten tag there!"),
        ({**REST, "queryStringParameters": {"surname": "smith"}}, "Guten tag there!"),
        ({**HTTP, "rawQueryString": "name=robert", "queryStringParameters": {"name": "robert"}}, "Guten tag robert!"),
        ({**HTTP, "rawQueryString": ""}, "Guten tag there!"),
        ({}, "Guten tag there!"),
    ],
    ids=["rest", "rest-null", "rest-other", "http", "http-none", "bare"],
)
def test_greets(event: dict[str, Any], expected: str) -> None:
    """Every kind of caller gets a greeting, as JSON, in the shape that a proxy integration wants."""
    answer = handle(event, None)
    assert {"message": expected} == json.loads(answer.pop("body"))
    assert {"statusCode": 200, "headers": {"content-type": "application/json"}, "isBase64Encoded": False} == answer


def test_any_name_survives_the_way() -> None:
    """What a visitor types comes back as typed, quotes and other scripts too."""
    answer = handle({"queryStringParameters": {"name": '"李" & <Jürgen>'}}, None)
    assert 'Guten tag "李" & <Jürgen>!' == json.loads(answer["body"])["message"]
