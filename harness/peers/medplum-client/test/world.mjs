// The server that run.sh started, its administrator, and people who sign in to it.
import { MedplumClient, OperationOutcomeError } from '@medplum/core';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

const ready = JSON.parse(process.env.FHIRWARD_READY);

// On Node the client finds no `window.crypto`, says so at every sign-in, and sends a plain PKCE
// challenge. sign-in.test.mjs has the other as well.
const { warn } = console;
console.warn = (text, ...more) => {
  if (!String(text).startsWith('Failed to hash code verifier')) {
    warn(text, ...more);
  }
};

export const baseUrl = ready.base_url;
export const project = ready.project;
export const adminClient = { id: ready.admin_client, secret: ready.admin_secret };
export const password = 'correct horse battery';

export function client(options) {
  return new MedplumClient({ baseUrl, ...options });
}

/** The administrator of the project, by client credentials. */
export async function administrator() {
  const medplum = client();
  await medplum.startClientLogin(adminClient.id, adminClient.secret);
  return medplum;
}

/** Who takes part in conversations, as the documentation's policy has it. */
export const participant = [
  { resourceType: 'Communication', criteria: 'Communication?recipient=%profile' },
  { resourceType: 'Communication', criteria: 'Communication?sender=%profile' },
];

/** Somebody with a password, a policy and a profile. `resource` are the entries of the policy. */
export async function invite(admin, { resource, resourceType = 'Practitioner', name = 'Alice', ...more } = {}) {
  const membership = { ...more };
  if (resource) {
    const policy = await admin.createResource({ resourceType: 'AccessPolicy', name: `for ${name}`, resource });
    membership.accessPolicy = { reference: `AccessPolicy/${policy.id}` };
  }
  const email = `${name}-${randomUUID()}@example.com`.toLowerCase();
  const member = await admin.invite(project, {
    resourceType,
    firstName: name,
    lastName: 'Example',
    email,
    password,
    sendEmail: false,
    scope: 'project',
    membership,
  });
  return { email, member, reference: member.profile.reference };
}

/** Signs somebody in with their password, as a front end does. */
export async function signIn(email, request) {
  const medplum = client();
  const login = await medplum.startLogin({ email, password, ...request });
  await medplum.processCode(login.code);
  return medplum;
}

/** Invites somebody and signs them in. */
export async function person(admin, options) {
  const invited = await invite(admin, options);
  const medplum = await signIn(invited.email, { projectId: project });
  return { ...invited, medplum };
}

export const refer = (resource) => ({ reference: `${resource.resourceType}/${resource.id}` });

/** A header of a thread between people, whose references are given. */
export function header(sender, recipients, more) {
  return {
    resourceType: 'Communication',
    status: 'in-progress',
    topic: { text: 'Lab results' },
    sender: { reference: sender },
    recipient: recipients.map((reference) => ({ reference })),
    sent: '2024-03-01T09:00:00Z',
    ...more,
  };
}

/** A message of a thread. */
export function message(thread, sender, recipients, text, more) {
  return {
    resourceType: 'Communication',
    status: 'in-progress',
    partOf: [refer(thread)],
    sender: { reference: sender },
    recipient: recipients.map((reference) => ({ reference })),
    payload: [{ contentString: text }],
    sent: '2024-03-01T10:00:00Z',
    ...more,
  };
}

export const ids = (resources) => resources.map((resource) => resource.id);

export const texts = (messages) => messages.map((one) => one.payload[0].contentString);

/** That something is refused, with this id of the OperationOutcome (or a code of its issue). */
export async function refused(promise, id) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof OperationOutcomeError, String(error));
    const { outcome } = error;
    assert.equal(outcome.resourceType, 'OperationOutcome');
    assert.ok([outcome.id, outcome.issue[0].code].includes(id), JSON.stringify(outcome));
    return true;
  });
}
