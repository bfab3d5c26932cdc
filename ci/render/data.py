"""A plan as plain data, for programs; and the digest by which two plans are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ci import model
from ci.model import Canary
from ci.plan.actions import (
    Action,
    Attach,
    CreateApplication,
    CreateDeployment,
    CreateFunction,
    DeleteFunction,
    DeleteLayer,
    DeleteVersion,
    PointAlias,
    PublishLayer,
    PublishVersion,
    PutConcurrency,
    PutGroup,
    SplitAlias,
    StopDeployment,
    StorePackage,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.plan.changes import Change, CodeChange
from ci.plan.plan import FunctionPlan, Plan


def plan(plan: Plan) -> dict[str, Any]:
    """The whole plan, without a single secret value, with a ``digest`` over what it changes.

    The digest leaves out who plans and when (commit, run, time), so that the plan of a pull request and
    that of its merge are equal when they do the same.
    """
    data = {
        "verb": plan.verb,
        "stage": plan.stage,
        "region": plan.region,
        "functions": [_function(function) for function in plan.functions],
        "notes": list(plan.notes),
        "canary": asdict(plan.rollout) if isinstance(plan.rollout, Canary) else None,
        "layers": [*map(_layer, plan.layers), *map(_old_layer, plan.old_layers)],
    }
    return {
        **data,
        "release": plan.release,
        "commit": plan.origin.commit,
        "run": plan.origin.run,
        "at": plan.origin.at,
        "digest": digest_of(data),
    }


def digest_of(data: Mapping[str, Any]) -> str:
    """Hex sha256 over what a plan, given as ``plan`` gives it, changes. Raises KeyError where it is none."""
    changing = {key: data[key] for key in ("verb", "stage", "region", "functions", "notes", "canary", "layers")}
    return hashlib.sha256(json.dumps(changing, sort_keys=True).encode()).hexdigest()


def digest(of: Plan) -> str:
    """Hex sha256 over what the plan changes."""
    return str(plan(of)["digest"])


def label(function: Mapping[str, Any]) -> str:
    """``FunctionPlan.label`` of a function as ``plan`` gives it."""
    return model.label(str(function["function"]), str(function.get("site", "")))


def to_json(data: Any) -> str:
    """Indented, for people and programs."""
    return json.dumps(data, indent=2) + "\n"


def _layer(action: PublishLayer) -> dict[str, Any]:
    layer = action.layer
    said: dict[str, Any] = {"call": "PublishLayerVersion", "layer": layer.function, "arn": action.arn}
    said |= {"site": action.site, "digest": layer.digest, "size": layer.size}
    said |= {"bucket": action.stored and action.stored.bucket}
    return {**said, "code": _code(action.code)} if action.code else said


def _old_layer(action: DeleteLayer) -> dict[str, Any]:
    return {"call": "DeleteLayerVersion", "layer": action.layer, "version": action.version, "site": action.site}


def _function(function: FunctionPlan) -> dict[str, Any]:
    return {
        "function": function.function,
        **({"site": function.site} if function.site else {}),
        "name": function.aws_name,
        "version": function.version,
        "digest": function.digest,
        "changes": [_change(change) for change in function.changes],
        "code": _code(function.code) if function.code else None,
        "drift": [_change(change) for change in function.drift],
        "actions": [_action(action) for action in function.actions],
    }


def _change(change: Change) -> dict[str, Any]:
    if change.verb:
        return {"key": change.key, "change": change.verb}
    return {"key": change.key, "before": change.before, "after": change.after}


def _code(code: CodeChange) -> dict[str, Any]:
    files = None if code.files is None else [{"change": file.mark, "path": file.path} for file in code.files]
    return {
        "size": {"before": code.size_before, "after": code.size_after},
        "files": files,
        "dependencies": [_change(change) for change in code.dependencies],
    }


def _action(action: Action) -> dict[str, Any]:
    """The call and what it takes, by the API's own name."""
    match action:
        case StorePackage():
            return {"call": "PutObject", "bucket": action.bucket, "key": action.key, "size": action.package.size}
        case CreateFunction():
            return {"call": "CreateFunction", "settings": sorted(action.settings), "digest": action.package.digest}
        case UpdateConfiguration():
            environment = [] if action.environment is None else ["Environment"]
            return {"call": "UpdateFunctionConfiguration", "settings": sorted([*action.settings, *environment])}
        case UpdateCode():
            return {"call": "UpdateFunctionCode", "digest": action.package.digest, "size": action.package.size}
        case TagFunction():
            return {"call": "TagResource", "tags": dict(sorted(action.tags.items()))}
        case UntagFunction():
            return {"call": "UntagResource", "tags": list(action.keys)}
        case PublishVersion():
            return {"call": "PublishVersion", "version": action.expected}
        case PutConcurrency():
            return {"call": "PutFunctionConcurrency", "before": action.before, "after": action.after}
        case SplitAlias():
            shares = {action.before: 100 - action.share, action.expected: action.share}
            return {"call": "UpdateAlias", "alias": action.alias, "percent": shares}
        case CreateApplication():
            return {"call": "CreateApplication", "application": action.application}
        case PutGroup():
            call = "UpdateDeploymentGroup" if action.before is not None else "CreateDeploymentGroup"
            return {"call": call, **asdict(action.deployer), "before": action.before, "after": action.role}
        case CreateDeployment():
            moved = {"alias": action.alias, "before": action.before, "after": action.expected}
            how = {"config": action.config, "alarms": list(action.alarms)}
            return {"call": "CreateDeployment", **asdict(action.deployer), **moved, **how}
        case StopDeployment():
            return {"call": "StopDeployment", **asdict(action.deployer), "handed": asdict(action.handed)}
        case PointAlias():
            call = "CreateAlias" if action.revision is None else "UpdateAlias"
            moves = {"call": call, "alias": action.alias, "before": action.before, "after": action.expected}
            begun = {"canary_since": action.begun} if action.begun else {}
            by = {"by": "CodeDeploy"} if action.handed else {}
            return moves | begun | by | ({"at_once": action.at_once} if action.at_once else {})
        case Attach():
            return {
                "attach" if action.after else "detach": action.about.kind,
                "alias": action.alias,
                "id": action.about.id,
                "before": dict(action.before.settings) if action.before else None,
                "after": dict(action.after.settings) if action.after else None,
            }
        case DeleteVersion():
            return {"call": "DeleteFunction", "version": action.version}
        case DeleteFunction():
            return {"call": "DeleteFunction", "aliases": dict(sorted(action.aliases.items()))}
