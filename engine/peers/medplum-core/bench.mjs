// Times Medplum's own code on the questions of a file, after checking its answers. Writes
// nanoseconds by name, as JSON.
//
//   node bench.mjs QUESTIONS
import { satisfiedAccessPolicy } from '@medplum/core';
import { readFileSync } from 'node:fs';
import './definitions.mjs';

// Short turns, so that some are not interrupted.
const TURN = 1e6;
const TURNS = 5;
const RACE = 1500e6;
const WARM_UP = 300e6;

const now = () => Number(process.hrtime.bigint());

// Nanoseconds of one piece of work in the fastest turn, once the compiler has settled.
function fastest(work) {
  const settled = now() + WARM_UP;
  while (now() < settled) {
    work();
  }
  let times = 1;
  for (;;) {
    const start = now();
    for (let i = 0; i < times; i++) {
      work();
    }
    if (now() - start >= TURN) {
      break;
    }
    times *= 2;
  }
  let best = Infinity;
  const end = now() + RACE;
  for (let turn = 0; turn < TURNS || now() < end; turn++) {
    const start = now();
    for (let i = 0; i < times; i++) {
      work();
    }
    best = Math.min(best, (now() - start) / times);
  }
  return best;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const { messages, cases, export: exported } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const allows = (policy, resource) => satisfiedAccessPolicy(resource, 'read', policy) !== undefined;

for (const { name, policy, expected } of cases) {
  messages.forEach((message, at) => {
    if (allows(policy, message) !== expected[at]) {
      fail(`@medplum/core does not say ${expected[at]} of message ${at} with ${name}`);
    }
  });
}
const lines = exported.text.split('\n').filter((line) => line !== '');
const allowed = lines.filter((line) => allows(exported.policy, JSON.parse(line))).length;
if (allowed !== exported.allowed) {
  fail(`@medplum/core allows ${allowed} lines of the export, not ${exported.allowed}`);
}

let count = 0;
const timings = {};
for (const { name, policy } of cases) {
  const nanos = fastest(() => {
    for (const message of messages) {
      count += allows(policy, message) ? 1 : 0;
    }
  });
  timings[name] = nanos / messages.length;
}
timings['JSON.parse'] =
  fastest(() => {
    for (const line of lines) {
      count += JSON.parse(line).id.length;
    }
  }) / lines.length;
timings['JSON.parse, then decide'] =
  fastest(() => {
    for (const line of lines) {
      count += allows(exported.policy, JSON.parse(line)) ? 1 : 0;
    }
  }) / lines.length;
if (count === 0) {
  fail('nothing was decided');
}
process.stdout.write(JSON.stringify(timings));
