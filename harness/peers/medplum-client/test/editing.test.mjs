// "Message editing and drafts".
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, ids, message, participant, person, refer, refused, texts } from './world.mjs';

let alice, house;
before(async () => {
  const admin = await administrator();
  [alice, house] = await Promise.all(['Alice', 'House'].map((name) => person(admin, { resource: participant, name })));
});

async function thread() {
  const both = [alice.reference, house.reference];
  const opened = await alice.medplum.createResource(header(alice.reference, both));
  const sent = await alice.medplum.createResource(message(opened, alice.reference, [house.reference], 'wrong'));
  return { opened, sent };
}

const shown = (reader, { id }, more) =>
  reader.medplum.searchResources('Communication', `part-of=Communication/${id}&_sort=sent${more}`, { cache: 'reload' });

test('a message is retracted and corrected', async () => {
  const { opened, sent } = await thread();
  await alice.medplum.patchResource('Communication', sent.id, [
    { op: 'replace', path: '/status', value: 'entered-in-error' },
  ]);
  const history = await house.medplum.readHistory('Communication', sent.id);
  assert.deepEqual(history.entry.map((entry) => entry.resource.status), ['entered-in-error', 'in-progress']);
  const correction = await alice.medplum.createResource(
    message(opened, alice.reference, [house.reference], 'right', {
      sent: '2024-03-01T11:00:00Z',
      inResponseTo: [refer(sent)],
      category: [{ coding: [{ system: 'http://example.com/kind', code: 'correction' }] }],
    })
  );
  assert.deepEqual(texts(await shown(house, opened, '')), ['wrong', 'right']);
  assert.deepEqual(texts(await shown(house, opened, '&status:not=entered-in-error')), ['right']);
  const corrections = await house.medplum.searchResources('Communication', 'category=correction');
  assert.ok(ids(corrections).includes(correction.id));
});

test('a message is edited in place, and its history keeps what it was', async () => {
  const { sent } = await thread();
  const edited = await alice.medplum.patchResource('Communication', sent.id, [
    { op: 'replace', path: '/payload', value: [{ contentString: 'edited' }] },
  ]);
  assert.equal(edited.status, 'in-progress');
  const old = await alice.medplum.readVersion('Communication', sent.id, sent.meta.versionId);
  assert.equal(old.payload[0].contentString, 'wrong');
});

test('a draft is its authors own until it is sent', async () => {
  const { opened } = await thread();
  const draft = await alice.medplum.createResource({
    resourceType: 'Communication',
    status: 'preparation',
    partOf: [refer(opened)],
    sender: { reference: alice.reference },
    payload: [{ contentString: 'dra' }],
  });
  for (const text of ['draf', 'draft']) {
    await alice.medplum.patchResource('Communication', draft.id, [
      { op: 'replace', path: '/payload', value: [{ contentString: text }] },
    ]);
  }
  await refused(house.medplum.readResource('Communication', draft.id), 'not-found');
  const own = await alice.medplum.searchResources('Communication', { sender: alice.reference, status: 'preparation' });
  assert.deepEqual(ids(own), [draft.id]);
  assert.ok(!ids(await shown(alice, opened, '&status:not=preparation')).includes(draft.id));

  const sent = await alice.medplum.patchResource('Communication', draft.id, [
    { op: 'replace', path: '/status', value: 'in-progress' },
    { op: 'add', path: '/sent', value: '2024-03-01T12:00:00Z' },
    { op: 'add', path: '/topic', value: opened.topic },
    { op: 'add', path: '/recipient', value: [{ reference: house.reference }] },
  ]);
  assert.equal(sent.id, draft.id);
  assert.deepEqual(texts(await shown(house, opened, '')), ['wrong', 'draft']);
});

test('stale drafts are purged', async () => {
  const { opened } = await thread();
  const draft = await alice.medplum.createResource(
    message(opened, alice.reference, [], 'old', { status: 'preparation', recipient: undefined, sent: undefined })
  );
  const before = new Date(Date.now() + 60_000).toISOString();
  const stale = await alice.medplum.searchResources('Communication', `status=preparation&_lastUpdated=lt${before}`);
  assert.ok(ids(stale).includes(draft.id));
  await Promise.all(stale.map(({ id }) => alice.medplum.deleteResource('Communication', id)));
  await refused(alice.medplum.readResource('Communication', draft.id), 'gone');
});
