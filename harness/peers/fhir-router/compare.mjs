// What did not pass, against the list of what is known not to pass.
//
//   node compare.mjs REPORT KNOWN ACCEPT
import { readFileSync, writeFileSync } from 'node:fs';

const [report, known, accept] = process.argv.slice(2);
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
const head = '# What does not pass on the router, and why. run.sh --accept writes this list.\n';
if (accept === 'true') {
  writeFileSync(known, head + lines.map((line) => `${line}\n`).join(''));
}
const listed = readFileSync(known, 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'));
const unlisted = lines.filter((line) => !listed.includes(line));
const stale = listed.filter((line) => !lines.includes(line));
for (const line of unlisted) console.error(`not listed: ${line}`);
for (const line of stale) console.error(`no longer so: ${line}`);
if (summary.scenarios === 0 || steps === 0) {
  console.error('nothing was played');
  process.exit(1);
}
const rest = steps - lines.filter((line) => !line.includes(': skipped: ')).length;
console.log(
  `${summary.scenarios} scenarios, ${steps} steps on the router; ${lines.length} known not to pass or left out`
);
process.exit(unlisted.length + stale.length > 0 || rest <= 0 ? 1 : 0);
