"""What is planned around a function: whole, again after a crash, back again, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings as limits
from hypothesis import strategies as st

from ci.attachments import marks, resources
from ci.errors import Refused
from ci.model import Attachment, Function
from ci.model.live import LiveFunction
from ci.plan import attachments
from ci.plan.actions import Attach
from ci.plan.changes import Change
from ci.plan.plan import FunctionPlan, Plan
from ci.render import data, markdown, text
from ci.render.attachments import groups
from ci.render.links import Links
from tests.unit import given

SQS = "arn:aws:sqs:eu-west-1:123456789012:"
GROUP = "/aws/lambda/echo"
STRANGER = Attachment("event", "", "events", "", resources.event_settings({"EventSourceArn": f"{SQS}theirs"}), "uuid")

NAMES = st.sampled_from(["one", "two"])
SAID = st.fixed_dictionaries(
    {},
    optional={
        "url": st.sampled_from([{"AuthType": "NONE"}, {"AuthType": "AWS_IAM", "Cors": {"MaxAge": 5}}]),
        "schedules": st.dictionaries(
            NAMES,
            st.fixed_dictionaries(
                {"ScheduleExpression": st.sampled_from(["rate(1 day)", "rate(2 days)"])},
                optional={"Input": st.sampled_from([{"a": 1}, []]), "State": st.just("DISABLED")},
            ),
        ),
        "events": st.dictionaries(NAMES, st.integers(1, 2)),
        "permissions": st.dictionaries(NAMES, st.fixed_dictionaries({"Principal": st.sampled_from(["a", "b"])})),
        "provisioned_concurrency": st.integers(1, 2),
        "log_retention": st.sampled_from([7, 14]),
    },
)


def wanted(said: Mapping[str, Any], alias: str = "test") -> Function:
    """echo with ``said`` around its alias; an event source is named as its entry, and said by its batch size."""
    events = {
        name: {"EventSourceArn": SQS + name, "BatchSize": size} if isinstance(size, int) else size
        for name, size in said.get("events", {}).items()
    }
    keys = {**said, "events": events} if events else {key: said[key] for key in said if key != "events"}
    return replace(given.function(), attachments={"test": resources.wanted("echo", alias, GROUP, keys)})


class Around:
    """What AWS has around the alias, as the actions make it."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], Attachment] = {("event", ""): STRANGER}
        self.tags: dict[str, str] = {"team": "greetings"}

    def live(self) -> LiveFunction:
        found = given.found(given.version())
        kinds = marks.kinds(self.tags, "test") | {"event"}
        read = tuple(
            each
            for each in self.there.values()
            if resources.kinds([each]) <= kinds or each.key in ("url", "log_retention", "provisioned_concurrency")
        )
        return replace(found, tags=self.tags, attached={"test": read})

    def plan(self, said: Mapping[str, Any]) -> tuple[Attach, ...]:
        return attachments.actions(wanted(said), given.TEST, self.live())

    def do(self, actions: Iterable[Attach]) -> None:
        for action in actions:
            about, key = action.about, (action.about.kind, action.about.id)
            if about.kind == "mark":
                self.tags.pop("dollop:test", None)
                self.tags |= {"dollop:test": str(action.after.settings["Value"])} if action.after else {}
            elif action.after:
                assert about.kind != "target" or ("rule", about.id) in self.there, "a target needs its rule"
                assert resources.kinds([about]) <= marks.kinds(self.tags, "test"), "nothing without a mark"
                self.there[key] = action.after
            else:
                assert about.kind != "rule" or ("target", about.id) not in self.there, "a rule that has a target stays"
                self.there.pop(key, None)

    def state(self) -> tuple[Any, ...]:
        """The log group aside: once it is there, it stays."""
        return {key: each for key, each in self.there.items() if each.kind != "group"}, self.tags


def keys(said: Mapping[str, Any]) -> set[tuple[str, str]]:
    there = {(each.kind, each.id) for each in wanted(said).attachments["test"] if each.kind != "group"}
    return there | {("event", "")}


@limits(max_examples=150, deadline=None)
@for_all(SAID, SAID)
def test_it_becomes_what_is_wanted(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """From anything to anything; then nothing is to do; what others attached and tagged is as it was."""
    around = Around()
    around.do(around.plan(before))
    around.do(around.plan(after))
    assert keys(after) == around.state()[0].keys()
    assert () == around.plan(after)
    assert STRANGER == around.there["event", ""]
    assert "greetings" == around.tags["team"]
    assert resources.kinds(wanted(after).attachments["test"]) == marks.kinds(around.tags, "test")


@limits(max_examples=60, deadline=None)
@for_all(SAID, SAID, st.data())
def test_what_is_gone_was_taken_by_hand(
    before: Mapping[str, Any], after: Mapping[str, Any], data: st.DataObject
) -> None:
    """While the file says what was released, whatever is not there any more is told; when it says something else,
    nothing is."""
    around = Around()
    around.do(around.plan(before))
    assert [] == list(attachments.by_hand(wanted(before), given.TEST, around.live()))
    ours = [key for key in around.there if key not in (("event", ""), ("group", GROUP))]
    if not ours:
        return
    kind, id = data.draw(st.sampled_from(ours))
    del around.there[kind, id]
    line, = attachments.by_hand(wanted(before), given.TEST, around.live())
    assert line.startswith("echo: ") and line.endswith(f" of the alias test was changed by hand: its {kind} is gone")
    if keys(before) != keys(after):
        assert [] == list(attachments.by_hand(wanted(after), given.TEST, around.live()))


@limits(max_examples=60, deadline=None)
@for_all(SAID, SAID, st.booleans())
def test_broken_off_anywhere_it_is_finished(
    before: Mapping[str, Any], after: Mapping[str, Any], back: bool
) -> None:
    """After any action: planned again it becomes what is wanted, or, should the file go back, what was."""
    first = Around()
    first.do(first.plan(before))
    for stop in range(len(first.plan(after)) + 1):
        around = Around()
        around.do(around.plan(before))
        around.do(around.plan(after)[:stop])
        around.do(around.plan(before if back else after))
        assert keys(before if back else after) == around.state()[0].keys()
        assert () == around.plan(before if back else after)


@limits(max_examples=60, deadline=None)
@for_all(SAID, SAID)
def test_every_action_has_a_way_back(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """The reverse of what has happened, last first, is what was there."""
    around = Around()
    around.do(around.plan(before))
    state, plan = around.state(), around.plan(after)
    there, tags = dict(state[0]), dict(state[1])
    around.do(plan)
    around.do(action.reversed() for action in reversed(plan))
    assert (there, tags) == around.state()


def test_nothing_wanted_and_nothing_marked_is_nothing_to_do() -> None:
    """Whatever there is: nothing of it is ours."""
    assert () == attachments.actions(given.function(), given.TEST, Around().live())


def test_a_new_function_gets_all_of_it() -> None:
    """The mark comes first: what is begun is found again."""
    plan = attachments.actions(wanted({"url": {"AuthType": "AWS_IAM"}, "log_retention": 7}), given.TEST, None)
    assert ["mark", "url", "group", "retention"] == [action.about.kind for action in plan]


def test_a_source_of_another_tool_is_refused() -> None:
    """It is neither taken over nor doubled."""
    with pytest.raises(Refused, match=r"echo: events.orders: the source arn:aws:sqs:.*theirs is connected already"):
        Around().plan({"events": {"orders": {"EventSourceArn": f"{SQS}theirs"}}})


def test_a_stream_is_not_read_from_elsewhere_silently() -> None:
    """AWS cannot change where a mapping began; to make it anew is somebody's decision."""
    stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
    around = Around()
    around.do(around.plan({"events": {"clicks": {"EventSourceArn": stream, "StartingPosition": "LATEST"}}}))
    with pytest.raises(Refused, match="connected already, as clicks"):
        around.plan({"events": {"clicks": {"EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON"}}})


def test_what_is_left_out_goes_back_to_the_default() -> None:
    """A batch size that is no longer said is AWS's own for a queue."""
    around = Around()
    around.do(around.plan({"events": {"one": 2}}))
    group, = groups(around.plan({"events": {"one": {"EventSourceArn": f"{SQS}one"}}}))
    assert ("~", "event", "one", (Change("batch_size", "2", "10"),)) == (
        group.mark, group.what, group.name, group.changes
    )


def test_a_schedule_is_one_thing_to_its_reader() -> None:
    """Rule, target and permission are shown together; a part that was missing is named."""
    around = Around()
    plan = around.plan({"schedules": {"one": {"ScheduleExpression": "rate(1 day)", "Input": {"a": 1}}}})
    group, = groups(plan)
    assert ("+", "schedule", "one", "test") == (group.mark, group.what, group.name, group.alias)
    assert ["schedule_expression: rate(1 day)", "state: ENABLED", 'input: {"a": 1}'] == [
        f"{change.key}: {change.after}" for change in group.changes
    ]
    around.do(plan)
    del around.there["target", next(id for kind, id in around.there if kind == "target")]
    group, = groups(around.plan({"schedules": {"one": {"ScheduleExpression": "rate(1 day)", "Input": {"a": 1}}}}))
    assert ("~", [("input", ""), ("target", "added")]) == (
        group.mark, [(change.key, change.verb) for change in group.changes]
    )


def test_a_plan_shows_it() -> None:
    """As text and as a diff in Markdown; as data with each write."""
    around = Around()
    around.do(around.plan({"url": {"AuthType": "NONE"}, "schedules": {"one": {"ScheduleExpression": "rate(1 day)"}}}))
    actions = around.plan({"url": {"AuthType": "AWS_IAM"}, "log_retention": 7})
    function = FunctionPlan("echo", "echo", version="3", attach=actions)
    plan = Plan("deploy", "test", given.REGION, "r", given.origin(), (function,))
    assert """\
  ~ url echo
    alias: test
    auth_type: NONE -> AWS_IAM

  - schedule echo
    name: one
    alias: test

  + log retention echo
    retention_in_days: 7

  1 to update
""" == text.plan(plan)
    body = markdown.plan(plan, Links("https://github.com/octo/shop", "1"))
    assert "| `echo` | ~ url, - schedule, + log retention |  | 3 |" in body
    assert """\
```diff
  function echo
! url of alias test
- auth_type: NONE
+ auth_type: AWS_IAM
- schedule one of alias test
+ log retention
+ retention_in_days: 7
```""" in body
    told = data.plan(plan)["functions"][0]["actions"]
    assert len(actions) == len(told)
    url = next(action for action in told if action.get("attach") == "url")
    assert ("NONE", "AWS_IAM") == (url["before"]["AuthType"], url["after"]["AuthType"])


@pytest.mark.parametrize(("function", "alias"), [("f" * 64, "test"), ("f" * 63, "test"), ("f" * 64, "a" * 128)])
def test_names_fit_into_a_rule(function: str, alias: str) -> None:
    """A rule's name has 64 characters; two functions that begin alike have rules of their own."""
    rule = resources.rule_prefix(function, alias) + "n" * resources.NAME_LIMIT
    assert len(rule) <= 64
    assert resources.rule_prefix(function, alias) != resources.rule_prefix(function + "x", alias)


def test_a_statement_tells_what_it_was_made_of() -> None:
    """In AWS's own forms of principal and condition, so that one that was taken away can be made again."""
    for statement, expected in (
        (
            {
                "Principal": {"Service": "s3.amazonaws.com"},
                "Condition": {
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::shop"},
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                },
            },
            {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::shop", "SourceAccount": "123456789012"},
        ),
        (
            {"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
            {"Principal": "*", "InvokedViaFunctionUrl": True},
        ),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, {"Principal": "arn:aws:iam::1:root"}),
    ):
        made = resources.permission_settings({"Action": "lambda:InvokeFunction", **statement})
        assert {"Action": "lambda:InvokeFunction", **expected} == made


def test_statements_of_others_are_not_ours() -> None:
    """Also those that look nearly like it."""
    ours, = (each for each in wanted({"permissions": {"one": {"Principal": "a"}}}).attachments["test"])
    assert ("permissions", "one") == resources.entry_of(ours.id)
    for theirs in ("", "theirs", "dollop-", "dollop-permissions-one", "dollop-other-one-12345678", "x" + ours.id):
        assert resources.entry_of(theirs) is None
