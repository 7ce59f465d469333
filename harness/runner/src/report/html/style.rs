//! How the page looks: one column, readable on a phone, light or dark as the reader's system is.

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --card: #f6f7f9; --line: #d5d9df;
  --faint: #59636e; --ok: #1a7f37; --okbg: #dcf5e3; --no: #59636e; --nobg: #eceff2;
  --leak: #b3001b; --leakbg: #b3001b; --leakfg: #fff; --bad: #a14600; --badbg: #ffe4c9;
  --err: #6f3dbf; --errbg: #eee4ff; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171b; --fg: #e6e9ed; --card: #1d2127;
  --line: #39404a; --faint: #9aa4b0; --ok: #57d07c; --okbg: #12371f; --no: #9aa4b0;
  --nobg: #262b32; --leak: #ff8794; --leakbg: #c2001f; --leakfg: #fff; --bad: #ffb265;
  --badbg: #4a2a06; --err: #c3a3ff; --errbg: #32215a; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { background: var(--bg); color: var(--fg); font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 64rem; padding: 1rem; overflow-wrap: anywhere; }
header { border-left: .4rem solid var(--c); background: var(--card); border-radius: .4rem;
  padding: .8rem 1rem; }
h1 { color: var(--c); font-size: 1.5rem; line-height: 1.25; margin: .1rem 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
p { margin: .3rem 0; } .tool, .faint, .place { color: var(--faint); font-size: .875rem; }
.tool { letter-spacing: .04em; }
.passed { --c: var(--ok); } .leak { --c: var(--leak); } .failed { --c: var(--bad); }
.error { --c: var(--err); } .skipped { --c: var(--no); }
article, details.scenario { background: var(--card); border: 1px solid var(--line);
  border-left: .3rem solid var(--c); border-radius: .4rem; margin: .6rem 0; padding: .5rem .8rem; }
.rule { color: var(--c); font-size: .875rem; font-weight: 700; }
.sign { color: var(--c); font-weight: 700; white-space: nowrap; }
.problem { color: var(--c, inherit); font-weight: 600; }
summary { cursor: pointer; padding: .25rem 0; } a { color: inherit; }
details.moment { border-top: 1px solid var(--line); margin-top: .4rem; padding-top: .2rem; }
ol { list-style: none; margin: 0; padding: 0; }
li { padding: .2rem 0; } ol > li { border-top: 1px solid var(--line); }
ol > li:first-child { border-top: 0; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .8125rem; }
pre { background: var(--bg); border: 1px solid var(--line); border-radius: .3rem; margin: .4rem 0;
  padding: .5rem; white-space: pre-wrap; }
ins { color: var(--leak); text-decoration: none; } del { color: var(--bad); text-decoration: none; }
.scroll { overflow-x: auto; margin: .3rem 0; }
table { border-collapse: separate; border-spacing: 2px; border: 0; font-size: .875rem;
  overflow-wrap: normal; }
th { font-weight: 600; padding: .25rem .5rem; text-align: left; border: 0; white-space: nowrap; }
thead th { color: var(--faint); text-align: center; }
tbody th { background: var(--card); left: 0; position: sticky; }
td { border: 0; border-radius: .25rem; min-width: 3.2rem; padding: .25rem .5rem; text-align: center;
  white-space: nowrap; }
.expected-allow { background: var(--okbg); color: var(--ok); }
.expected-deny { background: var(--nobg); color: var(--no); }
.unexpected-allow, .gained { background: var(--leakbg); color: var(--leakfg); font-weight: 700; }
.departure { background: var(--badbg); font-weight: 700; }
.unexpected-deny, .lost { background: var(--badbg); color: var(--bad); font-weight: 700; }
td.error, span.error, td.inconclusive, span.inconclusive, td.skipped, span.skipped {
  background: var(--errbg); color: var(--err); font-weight: 600; }
.legend { list-style: none; padding: 0; }
.legend span { border-radius: .25rem; display: inline-block; min-width: 6.5rem; padding: 0 .5rem;
  text-align: center; }
footer { border-top: 1px solid var(--line); color: var(--faint); font-size: .8125rem;
  margin-top: 2rem; padding-top: .6rem; }
@media (max-width: 30rem) { body { padding: .5rem; } td { font-size: .75rem; min-width: 2.2rem;
  padding: .25rem .2rem; white-space: normal; } th { padding: .25rem; } article, details.scenario, header {
  padding: .5rem .6rem; } h1 { font-size: 1.25rem; } .legend span { min-width: 5.5rem; } }
@media print { details { break-inside: avoid; } }
";
