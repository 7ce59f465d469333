// What did not pass, against the list of what is known not to pass.
//
//   node compare-known.mjs REPORT KNOWN SERVER ACCEPT
//
// KNOWN has a line for each step that was not passed, with its reason. A line with `sometimes ` in
// front may be missing: what it tells is up to chance. `…` in it stands for any text. ACCEPT is
// `true` to write the list anew; what happens sometimes is kept.
import { readFileSync, writeFileSync } from 'node:fs';

const SOMETIMES = 'sometimes ';
const [report, known, server, accept] = process.argv.slice(2);
const { scenarios, summary } = JSON.parse(readFileSync(report, 'utf8'));
const found = [];
let steps = 0;
for (const { id, verdict, reason, steps: played } of scenarios) {
  // A scenario that passes names as its reason only that visibility is not judged.
  if (verdict === 'skipped' && played.length === 0) {
    found.push(`${id}: skipped: ${reason}`);
  }
  for (const { id: step, verdict, problems } of played) {
    steps += 1;
    if (verdict !== 'passed') {
      found.push(`${id}/${step}: ${verdict}: ${problems[0]?.message ?? ''}`);
    }
  }
}
const clean = (line) =>
  line.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '[id]').trimEnd();
const lines = found.map(clean).sort();

const read = () => readFileSync(known, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const fits = (listed) => {
  const text = listed.startsWith(SOMETIMES) ? listed.slice(SOMETIMES.length) : listed;
  const pattern = new RegExp(`^${text.split(/ *… */).map(escaped).join('.*')}$`);
  return (line) => pattern.test(line);
};
if (accept === 'true') {
  const sometimes = read().filter((line) => line.startsWith(SOMETIMES));
  const fixed = lines.filter((line) => !sometimes.some((listed) => fits(listed)(line)));
  const head = `# What does not pass on ${server}, and why. run.sh --accept writes this list.\n`;
  writeFileSync(known, head + [...fixed, ...sometimes].map((line) => `${line}\n`).join(''));
}
const listed = read();
const unlisted = lines.filter((line) => !listed.some((entry) => fits(entry)(line)));
const stale = listed.filter((entry) => !entry.startsWith(SOMETIMES) && !lines.some(fits(entry)));
for (const line of unlisted) console.error(`not listed: ${line}`);
for (const line of stale) console.error(`no longer so: ${line}`);
if (summary.scenarios === 0 || steps === 0) {
  console.error('nothing was played');
  process.exit(1);
}
const rest = steps - lines.filter((line) => !line.includes(': skipped: ')).length;
console.log(
  `${summary.scenarios} scenarios, ${steps} steps on ${server}; ${lines.length} known not to pass or left out`
);
process.exit(unlisted.length + stale.length > 0 || rest <= 0 ? 1 : 0);
