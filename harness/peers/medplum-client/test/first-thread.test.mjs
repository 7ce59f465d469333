// "Creating your first thread".
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, ids, message, participant, person, refer, refused, texts } from './world.mjs';

let admin, alice, homer, outsider;
before(async () => {
  admin = await administrator();
  alice = await person(admin, { resource: participant });
  homer = await person(admin, { resource: participant, resourceType: 'Patient', name: 'Homer' });
  outsider = await person(admin, { resource: participant, name: 'Otto' });
});

const open = () =>
  alice.medplum.createResource(header(alice.reference, [homer.reference, alice.reference], { subject: { reference: homer.reference } }));

test('the participants are there', async () => {
  assert.equal((await admin.readReference({ reference: homer.reference })).resourceType, 'Patient');
  assert.equal((await admin.readReference({ reference: alice.reference })).resourceType, 'Practitioner');
  await refused(admin.readResource('Patient', '00000000-0000-0000-0000-000000000000'), 'not-found');
});

test('a thread with a message, a reply and a reply to it', async () => {
  const thread = await open();
  assert.equal(thread.payload, undefined);
  assert.equal(thread.partOf, undefined);
  const read = await homer.medplum.readResource('Communication', thread.id);
  assert.deepEqual(read.recipient, thread.recipient);

  const first = await alice.medplum.createResource(message(thread, alice.reference, [homer.reference], 'one'));
  const second = await homer.medplum.createResource(
    message(thread, homer.reference, [alice.reference], 'two', { sent: '2024-03-01T10:05:00Z' })
  );
  await alice.medplum.createResource(
    message(thread, alice.reference, [homer.reference], 'three', {
      sent: '2024-03-01T10:15:00Z',
      inResponseTo: [refer(second)],
    })
  );
  for (const reader of [alice, homer]) {
    const messages = await reader.medplum.searchResources('Communication', {
      'part-of': `Communication/${thread.id}`,
      _sort: 'sent',
    });
    assert.deepEqual(texts(messages), ['one', 'two', 'three']);
    assert.equal(messages[2].inResponseTo[0].reference, `Communication/${second.id}`);
  }
  const unchanged = await alice.medplum.readResource('Communication', thread.id);
  assert.equal(unchanged.meta.versionId, thread.meta.versionId);

  // Two people with different policies see different things.
  await refused(outsider.medplum.readResource('Communication', thread.id), 'not-found');
  await refused(outsider.medplum.readResource('Communication', first.id), 'not-found');
  const found = await outsider.medplum.searchResources('Communication', `part-of=Communication/${thread.id}`);
  assert.equal(found.length, 0);
});

test('headers and messages are told apart', async () => {
  const thread = await open();
  const child = await alice.medplum.createResource(message(thread, alice.reference, [homer.reference], 'one'));
  const headers = ids(await alice.medplum.searchResources('Communication', { 'part-of:missing': true, _count: 1000 }));
  assert.ok(headers.includes(thread.id) && !headers.includes(child.id));
  const messages = ids(await alice.medplum.searchResources('Communication', 'part-of:missing=false&_count=1000'));
  assert.ok(messages.includes(child.id) && !messages.includes(thread.id));
});

test('nobody writes in the name of others', async () => {
  const thread = await open();
  await refused(homer.medplum.createResource(message(thread, alice.reference, [alice.reference], 'forged')), 'forbidden');
  await refused(homer.medplum.searchResources('Task'), 'forbidden');
});

test('a header without a status is invalid', async () => {
  const { status, ...rest } = header(alice.reference, [alice.reference]);
  assert.equal(status, 'in-progress');
  await refused(alice.medplum.createResource(rest), 'required');
});

test('a header and its first message, together or not at all', async () => {
  const bundle = (first) => ({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: 'urn:uuid:0d9bb5ee-3c8e-4d34-8a5e-6c1c1c2f9f01',
        request: { method: 'POST', url: 'Communication' },
        resource: header(alice.reference, [homer.reference, alice.reference], { topic: { text: first } }),
      },
      {
        fullUrl: 'urn:uuid:0d9bb5ee-3c8e-4d34-8a5e-6c1c1c2f9f02',
        request: { method: 'POST', url: 'Communication' },
        resource: {
          ...message({ resourceType: 'Communication', id: 'x' }, alice.reference, [homer.reference], 'one'),
          partOf: [{ reference: 'urn:uuid:0d9bb5ee-3c8e-4d34-8a5e-6c1c1c2f9f01' }],
        },
      },
    ],
  });
  const answer = await alice.medplum.executeBatch(bundle('together'));
  assert.equal(answer.type, 'transaction-response');
  assert.deepEqual(answer.entry.map((entry) => entry.response.status.slice(0, 3)), ['201', '201']);
  const [thread, child] = answer.entry.map((entry) => entry.resource);
  assert.equal(child.partOf[0].reference, `Communication/${thread.id}`);

  const broken = bundle('never');
  delete broken.entry[1].resource.status;
  await refused(alice.medplum.executeBatch(broken), 'required');
  const all = await alice.medplum.searchResources('Communication', { _count: 1000 });
  assert.ok(all.every((one) => one.topic?.text !== 'never'));
});
