// Asks Medplum's own code the questions of a file, and writes its answers, a line each.
//
//   node ask.mjs QUESTIONS > ANSWERS
import { accessPolicySupportsInteraction, protectedResourceTypes, satisfiedAccessPolicy } from '@medplum/core';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import './definitions.mjs';

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
