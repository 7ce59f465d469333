// Evaluates search expressions with the FHIRPath engine of the US National Library of Medicine
// (npm `fhirpath`, with its R4 model) and writes what they select.
//
//   node record.mjs [--check] ANSWERS.gz < cases.ndjson
//
// A line of the input is `{resource, params: {code: expression}}`; a line of the answers is
// `{code: [values]}` of the same resource, parameters that select nothing left out. `null` stands
// for a primitive that has extensions and no value. With --check nothing is written: the answers
// must be those of the file.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { gunzipSync, gzipSync } from 'node:zlib';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';

const check = process.argv[2] === '--check';
const file = process.argv[check ? 3 : 2];
let resource;

// Nothing is fetched: a contained resource is the one in the resource at hand, any other is known
// by what its reference says.
function typeOf(reference) {
  const text = reference.reference;
  if (text?.startsWith('#')) {
    return (resource.contained ?? []).find((r) => r.id === text.slice(1))?.resourceType;
  }
  const found = /(?:^|\/)([A-Z][A-Za-z]*)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(text ?? '');
  return found?.[1] ?? reference.type;
}

const options = {
  userInvocationTable: {
    resolve: {
      arity: { 0: [] },
      internalStructures: true,
      fn: (nodes) =>
        nodes.flatMap((node) => {
          const resourceType = typeOf(node.data);
          return resourceType
            ? [node.constructor.makeResNode({ resourceType }, null, null, null, null, node.model)]
            : [];
        }),
    },
  },
};

// R4 applies `as` to lists. FHIRPath allows it on one item only; `ofType` is what is meant.
const onLists = (expression) =>
  expression.replaceAll(/([\w.]+) as (\w+)/g, '$1.ofType($2)').replaceAll(/\.as\((\w+)\)/g, '.ofType($1)');

const compiled = new Map();
function evaluate(expression) {
  if (!compiled.has(expression)) {
    compiled.set(expression, {
      values: fhirpath.compile(expression, r4, options),
      count: fhirpath.compile(`(${expression}).count()`, r4, options),
    });
  }
  const { values, count } = compiled.get(expression);
  const found = values(resource, { resource });
  const [all] = count(resource, { resource });
  return [...found, ...Array(Math.max(0, all - found.length)).fill(null)];
}

const lines = [];
let evaluations = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { resource: next, params } = JSON.parse(line);
  resource = next;
  const answer = {};
  for (const [code, published] of Object.entries(params)) {
    if (!published) continue;
    // The engine takes the name of a base type at the start of a path for no type of the resource.
    const expression = published.replaceAll(/\b(?:Domain)?Resource\.(?=[a-z])/g, `${resource.resourceType}.`);
    evaluations += 1;
    try {
      let values;
      try {
        values = evaluate(expression);
      } catch (error) {
        if (!String(error.message).includes("left side of 'as'")) throw error;
        values = evaluate(onLists(expression));
      }
      if (values.length > 0) answer[code] = values;
    } catch (error) {
      answer[code] = { error: String(error.message ?? error).split('\n')[0] };
    }
  }
  lines.push(JSON.stringify(answer));
}
const text = lines.join('\n') + '\n';
console.log(`${lines.length} resources, ${evaluations} evaluations`);
if (check) {
  if (gunzipSync(readFileSync(file)).toString() !== text) {
    console.error(`${file} is not what the engine answers; record it again`);
    process.exit(1);
  }
} else {
  writeFileSync(file, gzipSync(text, { level: 9 }));
}
