"""A GitHub for what ``emulate`` does not have: environments, variables, rulesets. It keeps what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LISTS = ("variables", "rulesets", "deployment-branch-policies")


class Wire(BaseHTTPRequestHandler):
    """Answers as GitHub does: some lists bare, some wrapped; what nobody made is 404.

    https://docs.github.com/en/rest/deployments/environments, .../actions/variables, .../repos/rules
    """

    kept: dict[str, list[dict[str, Any]]] = {}
    """The path of a list -> what is in it."""
    environments: dict[str, dict[str, Any]] = {}
    calls: list[str] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = self.found(path)
        self.answer(200 if found is not None else 404, found if found is not None else {"message": "Not Found"})

    def found(self, path: str) -> Any:
        folder, _, name = path.rpartition("/")
        if name in LISTS:
            items = self.kept.get(path, [])
            return items if name == "rulesets" else {"total_count": len(items), "items": items}
        if folder == "/users":
            return {"login": name, "id": 583231, "url": path}
        if folder == "/repos/octo":
            owner = {"login": "octo", "id": 1}
            return {"name": name, "id": 2, "owner": owner, "url": path, "default_branch": "master"}
        if path in self.environments:
            sent = self.environments[path]
            rules = [{"type": "required_reviewers"}] * bool(sent["reviewers"])
            return {"protection_rules": rules, "deployment_branch_policy": sent["deployment_branch_policy"]}
        if folder.endswith("/rules/branches"):
            rulesets = self.kept.get(folder.removesuffix("/rules/branches") + "/rulesets", [])
            return [rule for ruleset in rulesets for rule in ruleset["rules"]]
        return next((item for item in self.kept.get(folder, []) if item.get("name") == name), None)

    def do_POST(self) -> None:
        body = self.body()
        items = self.kept.setdefault(self.path, [])
        items.append({**body, "id": len(items) + 1})
        self.answer(201, {})

    def do_PUT(self) -> None:
        body = self.body()
        if "reviewers" in body:
            self.environments[self.path] = body
        self.answer(200, {})

    do_PATCH = do_PUT

    def body(self) -> dict[str, Any]:
        self.calls.append(f"{self.command} {self.path}")
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, status: int, data: Any) -> None:
        text = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def listening() -> Iterator[str]:
    """Its address, while this is open; with nothing in it at first."""
    for state in (Wire.kept, Wire.environments, Wire.calls):
        state.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Wire) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
