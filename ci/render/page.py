"""A report as one page: no script, nothing loaded, readable on a phone, by keyboard and by ear. Pure.

Names come from the repository and from AWS: all of them pass ``_text``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from ci.model.live import AliasRecord, Live, LiveAlias, LiveVersion
from ci.render import chart, releases, status
from ci.render.columns import si
from ci.render.commit import HASH, short
from ci.render.escape import plain
from ci.render.releases import Published
from ci.render.style import CSS

if TYPE_CHECKING:
    from ci.observe.report import Report

_RELEASES = 50
"""As many of the newest are listed."""
_POINTS = 40
"""Versions of a function in its chart, the newest."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Even a mistake in this file loads and runs nothing."""


def page(report: Report) -> str:
    """The whole document."""
    found = releases.published(report.listed, report.status.lives)
    sections = [
        ("functions", "Functions by stage", _functions(report)),
        ("drift", "Changed by hand", _drift(report.status.drift)),
        ("releases", "Releases", _releases(report, found)),
        ("sizes", "Sizes over time", _sizes(report.listed)),
    ]
    links = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title, _ in sections)
    body = "\n".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}">{title}</h2>\n{content}</section>'
        for key, title, content in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<title>{_text(report.project)}: what runs</title>
<link rel="icon" href="data:,">
<style>{CSS}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the functions</a>
<header>
<h1>{_text(report.project)}</h1>
<p class="quiet">{_text(report.region)} · as of {_time(report.at.isoformat())} UTC</p>
<ul class="tiles">{"".join(_tiles(report))}</ul>
<nav aria-label="On this page"><ul>{links}</ul></nav>
</header>
<main id="main">
{body}
</main>
<footer class="quiet"><p>Read from AWS by dollop report. A commit with + had changes that were not committed;
? was not published by dollop.</p></footer>
</body>
</html>
"""


def _tiles(report: Report) -> Iterator[str]:
    yield _tile(len({name for live in report.status.lives.values() for name in live.functions}), "functions")
    for stage, live in report.status.lives.items():
        running = [name for name, found in live.functions.items() if found and found.running]
        behind = sum(status.place(report.status.lives, live, name) == "behind" for name in running)
        if behind:
            yield _tile(behind, f"behind on {stage}", "warn")
        else:
            yield _tile(len(running), f"on {stage}")
    count = len(report.status.drift)
    yield _tile(count, "changed by hand", "bad" if count else "")


def _tile(number: int, what: str, kind: str = "") -> str:
    return f'<li class="{kind}"><strong>{number}</strong>{_text(what)}</li>'


# ---------------------------------------------------------------- its sections


def _functions(report: Report) -> str:
    lives = report.status.lives
    names = sorted({name for live in lives.values() for name in live.functions})
    if not names:
        return _none("There is no function.")
    aliases = {found.arn: found.aliases or {} for found in report.listed.functions.values() if found}
    rows = [[_text(name), *(_running(report, live, name, aliases) for live in lives.values())] for name in names]
    return _table("What each stage runs of each function", ["function", *lives], rows)


def _running(report: Report, live: Live, name: str, aliases: Mapping[str, Mapping[str, LiveAlias]]) -> str:
    """``aliases``: ARN of a function -> its aliases."""
    found = live.functions.get(name)
    if found is None or found.running is None:
        return '<span class="quiet">–</span>'
    version = found.running
    place = status.place(report.status.lives, live, name)
    badge = f'<span class="badge{" warn" if place in ("behind", "differs") else ""}">{place}</span>' if place else ""
    shares = "".join(
        f'<span class="badge">{_text(other)} {share:.0%}</span>' for other, share in status.canary(live, found).items()
    )
    facts = (f"{status.age(version.modified, report.at)} old", si(version.size))
    said = " · ".join((_commit(report, version.commit), *(fact.replace(" ", "&nbsp;") for fact in facts)))
    number = f'<span class="version">{_text(version.version)}</span>'
    alias = aliases.get(found.arn, {}).get(live.stage.alias)
    since = f"<br>{_released(report, alias.record)}" if alias and alias.record else ""
    return f'<span>{number}{badge}{shares}<br><span class="facts quiet">{said}{since}</span></span>'


def _released(report: Report, record: AliasRecord) -> str:
    """Since when the alias is where it is, and which run brought it there."""
    try:
        when = f"since {_time(record.at)}"
    except ValueError:
        return ""
    if report.repository and record.run.isdecimal():
        return f'{when}, <a href="{_text(report.repository)}/actions/runs/{record.run}">run</a>'
    return when


def _drift(drift: Mapping[str, Sequence[str]]) -> str:
    if not drift:
        return _none("Nothing. Every function is as it was released.")
    items = "".join(
        f"<li><h3>{_text(name)}</h3><p>{', '.join(f'<code>{_text(key)}</code>' for key in keys)}. "
        "The next deploy puts it right.</p></li>"
        for name, keys in sorted(drift.items())
    )
    return f'<ul class="drift">{items}</ul>'


def _releases(report: Report, found: Sequence[Published]) -> str:
    if not found:
        return _none("There is none yet.")
    rows = [
        [
            _time(each.at),
            _commit(report, each.commit),
            _pairs(each.versions),
            f"<span>{''.join(_stage(stage, names, each) for stage, names in each.runs.items()) or '–'}</span>",
        ]
        for each in found[:_RELEASES]
    ]
    more = f'<p class="quiet">and {len(found) - _RELEASES} older ones</p>' if len(found) > _RELEASES else ""
    return _table("Releases, newest first", ["published (UTC)", "commit", "versions", "runs on"], rows) + more


def _pairs(versions: Mapping[str, str]) -> str:
    pairs = (f"{_text(name)}&nbsp;<b>{_text(number)}</b>" for name, number in sorted(versions.items()))
    return f"<span>{', '.join(pairs)}</span>"


def _stage(stage: str, names: Sequence[str], release: Published) -> str:
    part = "" if len(names) == len(release.versions) else f" ({len(names)} of {len(release.versions)})"
    return f'<span class="badge">{_text(stage)}{part}</span>'


def _sizes(listed: Live) -> str:
    items = [
        _chart(name, found.versions[-_POINTS:])
        for name, found in sorted(listed.functions.items())
        if found and found.versions
    ]
    return f'<ul class="charts">{"".join(items)}</ul>' if items else _none("There is no version yet.")


def _chart(name: str, versions: Sequence[LiveVersion]) -> str:
    first, last = versions[0], versions[-1]
    span = f"from {si(first.size)} in version {first.version} to {si(last.size)} in version {last.version}"
    title = f"Size of {plain(name)}, zipped: {span}"
    rows = "".join(
        f"<tr><th scope=row>{_text(each.version)}</th><td>{_time(each.modified)}</td><td>{si(each.size)}</td></tr>"
        for each in reversed(versions)
    )
    return (
        f'<li><div class="head"><h3>{_text(name)}</h3><strong>{si(last.size)}</strong></div>'
        f"{chart.steps([each.size for each in versions], title)}"
        f'<div class="ends quiet"><span>{_day(first)}</span><span>{_day(last)}</span></div>'
        f'<details><summary>as a table<span class="heard"> of {_text(name)}</span></summary>'
        "<table><thead><tr><th scope=col>version</th><th scope=col>published</th><th scope=col>size</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details></li>"
    )


def _day(version: LiveVersion) -> str:
    at = datetime.fromisoformat(version.modified).astimezone(UTC)
    return f"{at:%Y-%m-%d}, version&nbsp;{_text(version.version)}"


# ---------------------------------------------------------------- their parts


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The roles are said because a phone shows the rows as cards, which would take a table's meaning away.

    https://www.w3.org/TR/html-aria/#docconformance
    """
    head = "".join(f'<th scope="col" role="columnheader">{_text(column)}</th>' for column in columns)
    body = "".join(
        f'<tr role="row"><th scope="row" role="rowheader">{first}</th>'
        + "".join(
            f'<td role="cell" data-label="{_text(column)}">{cell}</td>' for column, cell in zip(columns[1:], rest)
        )
        + "</tr>\n"
        for first, *rest in rows
    )
    opening = f'<div class="table"><table class="cards" role="table" aria-label="{_text(caption)}">'
    rowgroups = f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n<tbody role="rowgroup">{body}</tbody>'
    return f"{opening}{rowgroups}</table></div>"


def _none(text: str) -> str:
    return f'<p class="none quiet">{text}</p>'


def _text(text: str) -> str:
    return escape(plain(text))


def _time(moment: str) -> str:
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M}</time>'


def _commit(report: Report, commit: str | None) -> str:
    shown = f'<code class="commit">{escape(short(commit))}</code>'
    if commit and report.repository and HASH.fullmatch(commit):
        return f'<a href="{_text(report.repository)}/commit/{commit}">{shown}</a>'
    return shown
