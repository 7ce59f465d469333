// "Message response tracking and routing".
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, ids, message, person, refer, refused } from './world.mjs';

const pool = (code) => ({ coding: [{ system: 'http://snomed.info/sct', code }] });

let admin, house, cardio;
before(async () => {
  admin = await administrator();
  const resource = [{ resourceType: 'Task', criteria: 'Task?owner=%profile' }];
  [house, cardio] = await Promise.all(['House', 'Cardio'].map((name) => person(admin, { resource, name })));
});

async function asked(code, more) {
  const thread = await admin.createResource(header(house.reference, [house.reference]));
  const task = await admin.createResource({
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    priority: 'routine',
    focus: refer(thread),
    performerType: [pool(code)],
    requester: { reference: house.reference },
    authoredOn: '2024-03-01T09:00:00Z',
    ...more,
  });
  return { thread, task };
}

const unclaimed = async (code) =>
  ids(await admin.searchResources('Task', `performer=http://snomed.info/sct|${code}&status=requested&_count=1000`, { cache: 'reload' }));

test('a task of a pool is claimed and completed', async () => {
  const { thread, task } = await asked('224535009');
  assert.ok((await unclaimed('224535009')).includes(task.id));
  const claimed = await admin.patchResource('Task', task.id, [
    { op: 'test', path: '/meta/versionId', value: task.meta.versionId },
    { op: 'replace', path: '/status', value: 'accepted' },
    { op: 'add', path: '/owner', value: { reference: house.reference } },
  ]);
  assert.equal(claimed.owner.reference, house.reference);
  assert.ok(!(await unclaimed('224535009')).includes(task.id));
  const late = [
    { op: 'test', path: '/meta/versionId', value: task.meta.versionId },
    { op: 'replace', path: '/owner', value: { reference: cardio.reference } },
  ];
  await assert.rejects(admin.patchResource('Task', task.id, late));
  const reply = await admin.createResource(message(thread, house.reference, [house.reference], 'done'));
  const done = await admin.patchResource('Task', task.id, [
    { op: 'replace', path: '/status', value: 'completed' },
    { op: 'add', path: '/output', value: [{ type: { text: 'response' }, valueReference: refer(reply) }] },
  ]);
  assert.equal(done.output[0].valueReference.reference, `Communication/${reply.id}`);
  const history = await admin.readHistory('Task', task.id);
  assert.deepEqual(history.entry.map((entry) => entry.resource.status), ['completed', 'accepted', 'requested']);
});

test('a task is rerouted to another and out of sight', async () => {
  const { thread, task } = await asked('224535009', { owner: { reference: house.reference }, status: 'accepted' });
  assert.equal((await house.medplum.readResource('Task', task.id)).id, task.id);
  await admin.patchResource('Task', task.id, [
    { op: 'replace', path: '/owner', value: { reference: cardio.reference } },
    { op: 'remove', path: '/performerType' },
    { op: 'add', path: '/note', value: [{ authorReference: { reference: house.reference }, text: 'a heart' }] },
  ]);
  await admin.patchResource('Communication', thread.id, [
    { op: 'replace', path: '/recipient', value: [{ reference: cardio.reference }] },
  ]);
  await refused(house.medplum.readResource('Task', task.id), 'not-found');
  assert.equal((await cardio.medplum.readResource('Task', task.id)).note[0].text, 'a heart');
  const provenance = await admin.createResource({
    resourceType: 'Provenance',
    target: [refer(task)],
    recorded: '2024-03-01T12:00:00Z',
    agent: [{ who: { reference: house.reference } }],
  });
  assert.deepEqual(ids(await admin.searchResources('Provenance', `target=Task/${task.id}`)), [provenance.id]);
});

test('tasks of a pool with their threads', async () => {
  const { thread, task } = await asked('17561000');
  const bundle = await admin.search('Task', 'performer=http://snomed.info/sct|17561000&owner:missing=true&_include=Task:focus');
  const of = (mode) => bundle.entry.filter((entry) => entry.search.mode === mode).map((entry) => entry.resource.id);
  assert.ok(of('match').includes(task.id));
  assert.ok(of('include').includes(thread.id));
});

test('a second task keeps the first in sight', async () => {
  const { thread, task } = await asked('224535009', { owner: { reference: house.reference } });
  const second = await admin.createResource({ ...task, id: undefined, meta: undefined, owner: { reference: cardio.reference } });
  await admin.patchResource('Task', task.id, [{ op: 'replace', path: '/status', value: 'cancelled' }]);
  const both = await admin.searchResources('Task', `focus=Communication/${thread.id}`);
  assert.deepEqual(ids(both).sort(), [task.id, second.id].sort());
  assert.equal((await house.medplum.readResource('Task', task.id)).status, 'cancelled');
});
