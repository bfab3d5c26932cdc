"""A plan as text, in Apex's notation: ``+`` create, ``~`` update, ``-`` remove; sizes in SI units."""

from __future__ import annotations

from collections.abc import Iterator

from ci.model import Canary, CodeDeploy
from ci.plan.actions import (
    CreateApplication,
    CreateDeployment,
    DeleteFunction,
    DeleteLayer,
    DeleteVersion,
    PointAlias,
    PublishLayer,
    PutGroup,
    Shift,
    SplitAlias,
    StopDeployment,
    TagFunction,
    UntagFunction,
)
from ci.plan.changes import Change, CodeChange
from ci.plan.plan import FunctionPlan, Plan
from ci.render import attachments
from ci.render.columns import si, sizes
from ci.render.escape import plain

_FILES_SHOWN = 20


def plan(plan: Plan) -> str:
    """The plan's blocks, one for each function and alias that changes, then what it comes to."""
    blocks = [_layer(layer) for layer in plan.layers]
    blocks += [block for function in plan.functions for block in _blocks(function, plan.rollout)]
    blocks += [_old_layer(layer) for layer in plan.old_layers]
    lines = [line for block in blocks for line in (*block, "")]
    lines += [f"  ! {plain(note)}" for note in plan.notes]
    return "\n".join((*lines, f"  {summary(plan)}")) + "\n"


def summary(plan: Plan) -> str:
    """In one line: ``1 to create, 2 to update, 5 unchanged``."""
    if plan.empty:
        return f"nothing to do: {len(plan.functions)} unchanged"
    counts = {
        "to create": sum(function.new for function in plan.functions),
        "to update": sum(bool(f.prepare or f.shift or f.attach) and not f.new for f in plan.functions),
        "to remove": sum(len(function.remove) for function in plan.functions) + len(plan.old_layers),
        "unchanged": sum(not function.actions for function in plan.functions),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _layer(action: PublishLayer) -> list[str]:
    site = f" in {plain(action.site)}" if action.site else ""
    through = [f"    bucket: {plain(action.stored.bucket)}"] if action.stored else []
    version = action.arn.rpartition(":")[2]
    code = _code(action.code, False) if action.code else [f"    size: {si(action.layer.size)}"]
    return [f"  + layer {plain(action.layer.function)}{site}", f"    version: {plain(version)}", *code, *through]


def _old_layer(action: DeleteLayer) -> list[str]:
    site = f" in {plain(action.site)}" if action.site else ""
    return [f"  - layer {plain(action.layer)}{site}", f"    version: {action.version}"]


def _blocks(function: FunctionPlan, by: Canary | CodeDeploy | None) -> Iterator[list[str]]:
    mark = "+" if function.new else "~"
    body = [line for change in function.changes for line in _change(change)]
    if function.code:
        body += _code(function.code, function.new)
    body += [f"    by hand: {line.strip()}" for change in function.drift for line in _change(change)]
    if body or any(isinstance(action, (TagFunction, UntagFunction)) for action in function.actions):
        remembered = "    tag dollop: tells what tags and concurrency are to be"
        yield [f"  {mark} function {plain(function.label)}", *(body or [remembered])]
    if function.stored:
        yield [
            f"  + package {plain(function.label)}",
            f"    bucket: {plain(function.stored.bucket)}",
            f"    key: {plain(function.stored.key)}",
        ]
    for action in function.shift:
        if (said := codedeploy_change(action)):
            yield [f"  {said[0]} {said[1]}", f"    name: {plain(said[2])}", *_change(said[3])]
        if isinstance(action, PointAlias):
            verb = "+" if action.before is None else "~"
            yield [
                f"  {verb} alias {plain(function.label)}",
                f"    alias: {plain(action.alias)}",
                f"    version: {_moved(action.before, action.expected)}",
                *(f"    {key}: {plain(value)}" for key, value in rollout(action, function, by)),
            ]
    for group in attachments.groups(function.attach):
        about = {"name": group.name, "alias": group.alias}
        body = [f"    {key}: {plain(value)}" for key, value in about.items() if value]
        body += [line for change in group.changes for line in _change(change)]
        yield [f"  {group.mark} {group.what} {plain(function.label)}", *body]
    for removal in function.remove:
        if isinstance(removal, DeleteVersion):
            size = f"    size: {si(removal.size)}"
            yield [f"  - version {plain(function.label)}", f"    version: {removal.version}", size]
        elif isinstance(removal, DeleteFunction):
            aliases = [f"    alias {plain(name)}: {version}" for name, version in sorted(removal.aliases.items())]
            yield [f"  - function {plain(function.label)}", *aliases]


def codedeploy_change(action: Shift) -> tuple[str, str, str, Change] | None:
    """What of CodeDeploy is created or changed: its mark, what it is, its name, and what of it."""
    if isinstance(action, CreateApplication):
        return "+", "CodeDeploy application", action.application, Change("platform", None, "Lambda")
    if isinstance(action, PutGroup):
        mark = "+" if action.before is None else "~"
        return mark, "CodeDeploy deployment group", action.deployer.group, Change("role", action.before, action.role)
    return None


def rollout(
    action: PointAlias, function: FunctionPlan, canary: Canary | CodeDeploy | None
) -> Iterator[tuple[str, str]]:
    """What comes before the alias moves, or who moves it, or why neither; by its key."""
    handed = next((each for each in function.shift if isinstance(each, CreateDeployment)), None)
    if action.at_once:
        yield "at once", action.at_once
    elif handed:
        watched = f", unless there is an alarm: {', '.join(handed.alarms)}" if handed.alarms else ""
        yield "CodeDeploy", f"{handed.config}{watched}"
    elif any(isinstance(each, StopDeployment) for each in function.shift):
        yield "CodeDeploy", "stopped"
    elif isinstance(canary, Canary) and (action.begun or any(isinstance(each, SplitAlias) for each in function.shift)):
        begun = f", since {action.begun}" if action.begun else ""
        watched = f", unless there is an alarm: {', '.join(canary.alarms)}" if canary.alarms else ""
        yield "canary", f"{canary.share}% for {duration(canary.seconds)}{begun}{watched}"


def duration(seconds: int) -> str:
    """In the largest unit that measures it: ``90 s``, ``5 min``, ``1 h``."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _change(change: Change) -> Iterator[str]:
    if change.verb:
        yield f"    {plain(change.key)}: {change.verb}"
    elif change.after is None and change.before is not None:
        yield f"    {plain(change.key)}: {plain(change.before)} -> none"
    else:
        yield f"    {plain(change.key)}: {_moved(change.before, change.after or 'none')}"


def _moved(before: str | None, after: str) -> str:
    return plain(after) if before in (None, after) else f"{plain(before)} -> {plain(after)}"


def _code(code: CodeChange, new: bool) -> Iterator[str]:
    if new:
        yield f"    size: {si(code.size_after)}"
    elif code.size_before != code.size_after:
        yield f"    size: {sizes(code.size_before, code.size_after)}"
    for change in code.dependencies:
        mark = "+" if change.before is None else "-" if change.after is None else "~"
        moved = _moved(change.before, change.after) if change.after else plain(change.before or "")
        yield f"      {mark} {plain(change.key)} {moved}"
    files = code.files or ()
    for file in files[:_FILES_SHOWN]:
        yield f"      {file.mark} {plain(file.path)}"
    if len(files) > _FILES_SHOWN:
        yield f"      and {len(files) - _FILES_SHOWN} more files"
    if code.files is None and not new:
        yield "      files: not compared (the live package could not be read)"
