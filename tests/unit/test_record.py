"""What a release leaves behind is read back as it was written, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ci import record
from ci.errors import UsageError
from ci.model import Secret
from ci.model.live import AliasRecord, CanaryRecord, Handed, VersionRecord
from ci.release import Release, Released, amounting_to, from_json, to_json
from ci.settings import DESCRIPTION_LIMIT

VERSION = VersionRecord("1f3a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c", "d" * 43, "c" * 43 + "=")
ALIAS = AliasRecord("1f3a2b4-9c0d1e2f", "1234", "2026-01-31T09:00:00Z", "7", "8", "2026-01-30T09:00:00Z")
OWN = st.one_of(
    st.text(max_size=DESCRIPTION_LIMIT),
    st.sampled_from(("dollop ", "x | ", " | ", " | dollop commit=a", "dollop commit=a digest=b code=c")),
)


@given(OWN)
def test_version_description_is_read_back(own: str) -> None:
    """Whatever the function's own description is."""
    text = record.version_description(VERSION, own)
    assert (own, VERSION) == record.read_version(text)


def test_version_description_takes_the_real_description() -> None:
    """A description that came from ${env:...} is written as it is, not as asterisks: AWS gets it anyway."""
    text = record.version_description(VERSION, Secret("Greets people"))
    assert ("Greets people", VERSION) == record.read_version(text)
    assert record.version_description(VERSION) == record.version_description(VERSION, Secret(""))


def test_descriptions_fit() -> None:
    """AWS takes 256 characters, with the longest of everything."""
    longest = AliasRecord("undo-1f3a2b4-9c0d1e2f", "9" * 20, ALIAS.at, "9" * 6, "9" * 6, ALIAS.at)
    dirty = VersionRecord(VERSION.commit + "+", VERSION.digest, VERSION.code_sha256)
    assert len(record.alias_description(longest)) <= 256
    assert len(record.version_description(dirty, "x" * DESCRIPTION_LIMIT)) <= 256


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (
            ALIAS,
            "dollop release=1f3a2b4-9c0d1e2f run=1234 at=2026-01-31T09:00:00Z"
            " previous=7 version=8 since=2026-01-30T09:00:00Z",
        ),
        (AliasRecord("r", "local", "t", None, "1"), "dollop release=r run=local at=t version=1"),
    ],
)
def test_alias_description(written: AliasRecord, text: str) -> None:
    """Field by field, and back."""
    assert text == record.alias_description(written)
    assert written == record.read_alias(text)


@pytest.mark.parametrize(
    "text", ["", "Live traffic", "dollop", "dollop release=a", "release=a run=b at=c", "by dollop release=a run=b at=c"]
)
def test_aliases_of_others_have_no_record(text: str) -> None:
    """Somebody else's description is not ours to read."""
    assert record.read_alias(text) is None


@pytest.mark.parametrize("text", ["", "Greets", "Greets | dollop", "Greets | dollop commit=a", "a | b", "dollop x=y"])
def test_versions_of_others_have_no_record(text: str) -> None:
    """Their description stays whole."""
    assert (text, None) == record.read_version(text)


CANARY = CanaryRecord("7", "8", "9c0d1e2f", "2026-02-01T09:00:00Z")


@pytest.mark.parametrize("own", ["", "Live traffic", "a dollop-canary=x", record.alias_description(ALIAS)])
def test_a_canary_is_added_and_read_back(own: str) -> None:
    """The description before it comes out as it was, and its record is read all the while."""
    written = record.canary_description(own, CANARY)
    assert (own, CANARY) == record.read_canary(written)
    assert record.read_alias(own) == record.read_alias(written)


def test_a_canary_fits() -> None:
    """With the longest record of ours nothing is lost; what somebody else wrote at length is cut."""
    longest = AliasRecord("undo-1f3a2b4-9c0d1e2f", "9" * 12, ALIAS.at, "9" * 5, "9" * 5, ALIAS.at)
    ours, canary = record.alias_description(longest), CanaryRecord("9" * 5, "9" * 5, "9c0d1e2f", CANARY.at)
    assert (ours, canary) == record.read_canary(record.canary_description(ours, canary))
    theirs = record.canary_description("x" * 256, canary)
    assert 256 == len(theirs)
    assert canary == record.read_canary(theirs)[1]


@pytest.mark.parametrize(
    "text",
    ["", "dollop-canary", "dollop-canary=7-8", "dollop-canary=7-8/r/2026-99-99T09:00:00Z", "dollop-canary=a-b/r/t"],
)
def test_what_is_no_canary_of_ours(text: str) -> None:
    """Whoever wrote it: it stays a description."""
    assert (text, None) == record.read_canary(text)


ECHO = {"echo": Released("8", "d", "c=")}
RELEASE = Release("1f3a2b4-9c0d1e2f", "test", "1f3a2b4", "1234", "2026-01-31T09:00:00Z", ECHO)


def test_release_record_is_read_back() -> None:
    """Every field; with the versions of each site, where there are several."""
    scattered = replace(RELEASE, sites={"eu-west-1": {"echo": "8"}, "us-east-1/222222222222": {"echo": "3"}})
    for release in (RELEASE, scattered):
        assert release == from_json(to_json(release), "release.json")
    assert "sites" not in json.loads(to_json(RELEASE))


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(to_json(RELEASE)) | fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "release.json: not a release record: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 100_000, "release.json: not a release record: "),
        ("[]", "release.json: not a release record of format 1"),
        (changed(format=2), "release.json: not a release record of format 1"),
        (changed(functions=[]), "release.json: not a release record: functions is missing or malformed"),
        (changed(functions={"../a": {}}), "release.json: not a release record: functions is missing or malformed"),
        (
            changed(functions={"a": 1}),
            "release.json: not a release record: functions.a.version is missing or malformed",
        ),
        (
            changed(functions={"a": {"version": "$LATEST", "digest": "", "code_sha256": ""}}),
            "release.json: not a release record: functions.a.version is missing or malformed",
        ),
        (
            changed(functions={"a": {"version": "8\n", "digest": "", "code_sha256": ""}}),
            "release.json: not a release record: functions.a.version is missing or malformed",
        ),
        (
            changed(functions={"a": {"version": 8, "digest": "", "code_sha256": ""}}),
            "release.json: not a release record: functions.a.version is missing or malformed",
        ),
        (
            changed(functions={"a": {"version": "8", "digest": "d" * 200, "code_sha256": ""}}),
            "release.json: not a release record: functions.a.digest is missing or malformed",
        ),
        (changed(stage=None), "release.json: not a release record: stage is missing or malformed"),
        (changed(release="a b"), "release.json: not a release record: release is missing or malformed"),
        (changed(sites=[]), "release.json: not a release record: sites is missing or malformed"),
        (changed(sites={"../a": {}}), "release.json: not a release record: sites is missing or malformed"),
        (changed(sites={"a": {}}), "release.json: not a release record: sites.a.echo is missing or malformed"),
        (changed(sites={"a": 1}), "release.json: not a release record: sites.a.echo is missing or malformed"),
        (changed(run="\u001b[31m"), "release.json: not a release record: run is missing or malformed"),
    ],
)
def test_release_records_of_others(text: str, expected: str) -> None:
    """Whatever is wrong is said with the file and the field; nothing that goes into a call is taken unseen."""
    with pytest.raises(UsageError) as refused:
        from_json(text, "release.json")
    assert refused.value.message.startswith(expected)


def test_amounting_to_is_named_by_content() -> None:
    """The same versions are the same release, in whatever order they were found."""
    one, two = Released("8", "d", "c"), Released("3", "e", "f")
    named = amounting_to("test", {"a": one, "b": two}, "1", "t").id
    assert named == amounting_to("test", {"b": two, "a": one}, "2", "u").id
    assert named != amounting_to("test", {"a": two, "b": one}, "1", "t").id
    assert named.startswith("test-")


def test_a_stage_of_the_longest_name_fits_twice() -> None:
    """In the description of an alias that CodeDeploy gets for a second time: what is cut off nobody goes back to."""
    release, at = amounting_to("s" * 64, {}, "1", "t").id, "2026-01-31T09:00:00Z"
    before = record.alias_description(AliasRecord(f"undo-{release}", "1" * 11, at, "123456", "123457", at))
    text = record.handed_description(before, Handed("123457", "123458", f"redo-{release}", "1" * 11, at))
    assert before == record.read_handed(text)[0]


@pytest.mark.parametrize("before", ["", "dollop release=abc-1 run=7 at=2026-01-31T09:00:00Z previous=6 version=7"])
def test_an_alias_tells_the_number_that_aws_gave(before: str) -> None:
    """Where that is not the one that was planned; also of an alias that CodeDeploy is about to move."""
    written, expected = (record.alias_description(replace(ALIAS, version=number)) for number in ("8", "12"))
    assert expected == record.renumbered(written, "12")
    handed = Handed("7", "8", "abc-2", "8", "2026-02-01T09:00:00Z")
    written, expected = (record.handed_description(before, replace(handed, version=n)) for n in ("8", "12"))
    assert expected == record.renumbered(written, "12")
    assert "somebody's own" == record.renumbered("somebody's own", "12")
