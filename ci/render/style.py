"""How a report looks: light and dark, from 320 pixels up. Every pair of colours has a contrast of 4.5 to 1 or more
(https://www.w3.org/TR/WCAG22/#contrast-minimum)."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #f6f7f5; --card: #ffffff; --line: #dde1dc; --text: #1c2421; --quiet: #57625d; --accent: #0b6b58;
  --accent-soft: #e3f2ed; --warn: #7a4a00; --warn-soft: #fdf0d7; --bad: #a3231f; --bad-soft: #fde8e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111614; --card: #1a211e; --line: #2f3935; --text: #e7ece9; --quiet: #a3b0aa; --accent: #62d2b4;
    --accent-soft: #14352d; --warn: #f6c56f; --warn-soft: #3a2b0d; --bad: #ff9a94; --bad-soft: #43191a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
.skip { position: absolute; left: -99rem; background: var(--card); padding: .5rem 1rem; }
.skip:focus { left: 1rem; top: 1rem; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .9rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet { color: var(--quiet); }
code { font: .92em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
time, .commit { white-space: nowrap; }
nav ul, .tiles, .charts, .drift { list-style: none; margin: 0; padding: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: 1rem; }
nav a { display: inline-block; padding: .35rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin-top: 1.5rem; }
.tiles li, .charts li, .table, .drift li, .none {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
}
.tiles li { padding: .8rem 1rem; }
.tiles strong { display: block; font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; }
.tiles .warn strong { color: var(--warn); }
.tiles .bad strong { color: var(--bad); }
.table { overflow: hidden; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .7rem 1rem; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--quiet); font-size: .85rem; font-weight: 600; }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
tbody th time { font-weight: 400; }
td b { font-weight: 600; }
td { overflow-wrap: anywhere; }
td .version { font-size: 1.05rem; font-weight: 650; margin-right: .35rem; }
.badge {
  display: inline-block; border-radius: 99px; padding: .05rem .6rem; font-size: .8rem; font-weight: 600;
  background: var(--accent-soft); color: var(--accent); margin-right: .25rem;
}
.badge.warn { background: var(--warn-soft); color: var(--warn); }
.facts { font-size: .92rem; }
.drift li, .none { padding: .8rem 1rem; margin-bottom: .6rem; }
.drift li { border-left: 4px solid var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .75rem; }
.charts li { padding: 1rem; }
.charts .head { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.charts .head strong { white-space: nowrap; }
.ends { display: flex; justify-content: space-between; gap: 1rem; font-size: .85rem; }
.ends :last-child { text-align: right; }
svg { display: block; width: 100%; height: auto; margin: .6rem 0 .2rem; }
svg polyline { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
svg polygon { fill: var(--accent-soft); }
svg circle { fill: var(--accent); }
svg .base { stroke: var(--line); }
summary { cursor: pointer; padding: .35rem 0; }
details table { font-size: .9rem; }
details th, details td { padding: .3rem .4rem; }
footer { padding-top: 3rem; padding-bottom: 2.5rem; font-size: .9rem; }
@media (max-width: 42rem) {
  header { padding-top: 1.5rem; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tbody, .cards tr, .cards th, .cards td { display: block; }
  .cards th, .cards td { border-bottom: 0; padding: .15rem 1rem; }
  .cards tr { border-bottom: 1px solid var(--line); padding: .75rem 0; }
  .cards tr:last-child { border-bottom: 0; }
  .cards td { display: grid; grid-template-columns: 4.2rem 1fr; gap: .5rem; }
  .cards td::before { content: attr(data-label); color: var(--quiet); font-size: .85rem; padding-top: .1rem; }
}
@media print { body { background: none; } .skip, nav { display: none; } }
"""
