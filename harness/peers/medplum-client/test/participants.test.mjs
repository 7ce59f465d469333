// "Thread lifecycle, participants and access control".
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, ids, invite, message, participant, person, refused, signIn, project } from './world.mjs';

let admin, alice, house, jackie, wilson, supervisor;
before(async () => {
  admin = await administrator();
  [alice, house, jackie, wilson] = await Promise.all(
    ['Alice', 'House', 'Jackie', 'Wilson'].map((name) => person(admin, { resource: participant, name }))
  );
  supervisor = await person(admin, {
    name: 'Sup',
    resource: [{ resourceType: 'Communication', interaction: ['read', 'search', 'history', 'vread'] }],
  });
});

async function group() {
  const all = [alice.reference, house.reference, jackie.reference];
  const thread = await alice.medplum.createResource(header(alice.reference, all));
  const child = await alice.medplum.createResource(message(thread, alice.reference, all.slice(1), 'hello'));
  return { thread, child };
}

const active = 'part-of:missing=true&status:not=completed,entered-in-error,stopped,unknown&_count=1000';

test('closing and reopening a thread', async () => {
  const { thread, child } = await group();
  const closed = await alice.medplum.patchResource('Communication', thread.id, [
    { op: 'replace', path: '/status', value: 'completed' },
  ]);
  assert.equal(closed.status, 'completed');
  assert.notEqual(closed.meta.versionId, thread.meta.versionId);
  assert.equal((await alice.medplum.readResource('Communication', child.id)).status, 'in-progress');
  assert.ok(!ids(await alice.medplum.searchResources('Communication', active)).includes(thread.id));
  await alice.medplum.patchResource('Communication', thread.id, [
    { op: 'replace', path: '/status', value: 'in-progress' },
  ]);
  assert.ok(ids(await alice.medplum.searchResources('Communication', active)).includes(thread.id));
});

test('a supervisor reads and changes nothing', async () => {
  const { thread } = await group();
  assert.equal((await supervisor.medplum.readResource('Communication', thread.id)).id, thread.id);
  const operations = [{ op: 'replace', path: '/status', value: 'completed' }];
  await refused(supervisor.medplum.patchResource('Communication', thread.id, operations), 'forbidden');
  await refused(supervisor.medplum.updateResource({ ...thread, status: 'completed' }), 'forbidden');
  await refused(supervisor.medplum.deleteResource('Communication', thread.id), 'forbidden');
  assert.equal((await supervisor.medplum.readHistory('Communication', thread.id)).entry.length, 1);
});

test('adding and removing participants', async () => {
  const { thread, child } = await group();
  await refused(wilson.medplum.readResource('Communication', thread.id), 'not-found');
  const added = await alice.medplum.patchResource('Communication', thread.id, [
    { op: 'add', path: '/recipient/-', value: { reference: wilson.reference } },
  ]);
  assert.equal(added.recipient.at(-1).reference, wilson.reference);
  assert.equal((await wilson.medplum.readResource('Communication', thread.id)).id, thread.id);
  await refused(wilson.medplum.readResource('Communication', child.id), 'not-found');

  const left = added.recipient.filter((one) => one.reference !== jackie.reference);
  await alice.medplum.patchResource('Communication', thread.id, [{ op: 'replace', path: '/recipient', value: left }]);
  await refused(jackie.medplum.readResource('Communication', thread.id), 'not-found');
  await refused(jackie.medplum.readHistory('Communication', thread.id), 'not-found');
  assert.equal((await jackie.medplum.readResource('Communication', child.id)).id, child.id);

  const others = child.recipient.filter((one) => one.reference !== jackie.reference);
  await alice.medplum.patchResource('Communication', child.id, [{ op: 'replace', path: '/recipient', value: others }]);
  await refused(jackie.medplum.readResource('Communication', child.id), 'not-found');
});

test('two writers: the version decides', async () => {
  const { thread } = await group();
  const stale = { ...thread };
  const headers = { 'If-Match': `W/"${thread.meta.versionId}"` };
  await alice.medplum.updateResource({ ...thread, status: 'on-hold' }, { headers });
  await refused(house.medplum.updateResource({ ...stale, status: 'stopped' }, { headers }), 'precondition-failed');
  const test = [
    { op: 'test', path: '/meta/versionId', value: thread.meta.versionId },
    { op: 'replace', path: '/status', value: 'stopped' },
  ];
  await assert.rejects(house.medplum.patchResource('Communication', thread.id, test));
  assert.equal((await alice.medplum.readResource('Communication', thread.id)).status, 'on-hold');
});

test('nobody takes away their own access', async () => {
  const { thread } = await group();
  const without = thread.recipient.filter((one) => one.reference !== jackie.reference);
  const operations = [{ op: 'replace', path: '/recipient', value: without }];
  await refused(jackie.medplum.patchResource('Communication', thread.id, operations), 'forbidden');
});

test('a policy takes effect on the next request', async () => {
  const { thread } = await group();
  const task = [{ resourceType: 'Task' }];
  const { email, member, reference } = await invite(admin, { resource: task, name: 'Late' });
  const late = await signIn(email, { projectId: project });
  await alice.medplum.patchResource('Communication', thread.id, [{ op: 'add', path: '/recipient/-', value: { reference } }]);
  await refused(late.searchResources('Communication'), 'forbidden');
  const policy = await admin.createResource({ resourceType: 'AccessPolicy', name: 'p', resource: participant });
  const accessPolicy = { reference: `AccessPolicy/${policy.id}` };
  await admin.updateResource({ ...member, accessPolicy });
  late.invalidateAll();
  assert.deepEqual(ids(await late.searchResources('Communication')), [thread.id]);
  await admin.deleteResource('ProjectMembership', member.id);
  await refused(late.searchResources('Communication', '_count=7'), 'unauthorized');
});
