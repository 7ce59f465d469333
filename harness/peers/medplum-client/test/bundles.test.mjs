// "FHIR batch requests", "Working with FHIR", "Updating data", and paging.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { administrator, header, ids, refused } from './world.mjs';

const system = 'http://example.com/threads';

let admin, alice;
before(async () => {
  admin = await administrator();
  const made = await admin.createResource({ resourceType: 'Practitioner', name: [{ given: ['Alice'] }] });
  alice = `Practitioner/${made.id}`;
});

const identified = (value, more) => header(alice, [alice], { identifier: [{ system, value }], ...more });
const statuses = (bundle) => bundle.entry.map((entry) => entry.response.status.slice(0, 3));

test('the entries of a batch stand alone', async () => {
  const answer = await admin.executeBatch({
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'POST', url: 'Communication' }, resource: header(alice, [alice]) },
      { request: { method: 'GET', url: 'Communication/00000000-0000-0000-0000-000000000000' } },
      { request: { method: 'GET', url: 'Communication?_count=1' } },
    ],
  });
  assert.equal(answer.type, 'batch-response');
  assert.deepEqual(statuses(answer), ['201', '404', '200']);
  assert.equal(answer.entry[2].resource.type, 'searchset');
});

test('a transaction is all or nothing', async () => {
  const value = randomUUID();
  const entry = [
    { request: { method: 'POST', url: 'Communication' }, resource: identified(value) },
    { request: { method: 'GET', url: 'Communication/00000000-0000-0000-0000-000000000000' } },
  ];
  await refused(admin.executeBatch({ resourceType: 'Bundle', type: 'transaction', entry }), 'not-found');
  const found = await admin.searchResources('Communication', `identifier=${system}|${value}`);
  assert.equal(found.length, 0);
});

test('a resource is created once', async () => {
  const value = randomUUID();
  const query = `identifier=${system}|${value}`;
  const first = await admin.createResourceIfNoneExist(identified(value), query);
  const again = await admin.createResourceIfNoneExist(identified(value), query);
  assert.equal(again.id, first.id);
  const other = randomUUID();
  const all = Array.from({ length: 8 }, () =>
    admin.createResourceIfNoneExist(identified(other), `identifier=${system}|${other}`)
  );
  assert.equal(new Set(ids(await Promise.all(all))).size, 1);
});

test('a resource is updated or created by its identifier', async () => {
  const value = randomUUID();
  const query = { identifier: `${system}|${value}` };
  const first = await admin.upsertResource(identified(value), query);
  const second = await admin.upsertResource(identified(value, { status: 'completed' }), query);
  assert.equal(second.id, first.id);
  assert.equal(second.status, 'completed');
  assert.equal((await admin.readHistory('Communication', first.id)).entry.length, 2);
});

test('a conditional create and a reference to it', async () => {
  const value = randomUUID();
  const run = () =>
    admin.executeBatch({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: 'urn:uuid:4a2c1d2e-8f61-4d5b-9c59-1f0b5f1f0a01',
          request: { method: 'POST', url: 'Communication', ifNoneExist: `identifier=${system}|${value}` },
          resource: identified(value),
        },
        {
          request: { method: 'POST', url: 'Communication' },
          resource: header(alice, [alice], { partOf: [{ reference: 'urn:uuid:4a2c1d2e-8f61-4d5b-9c59-1f0b5f1f0a01' }] }),
        },
      ],
    });
  const [first, second] = [await run(), await run()];
  assert.deepEqual([statuses(first), statuses(second)], [['201', '201'], ['200', '201']]);
  const [thread] = await admin.searchResources('Communication', `identifier=${system}|${value}`);
  const children = await admin.searchResources('Communication', `part-of=Communication/${thread.id}`);
  assert.equal(children.length, 2);
});

test('a stale version stops a transaction', async () => {
  const made = await admin.createResource(header(alice, [alice]));
  const put = (version, status) => ({
    request: { method: 'PUT', url: `Communication/${made.id}`, ifMatch: `W/"${version}"` },
    resource: { ...made, status },
  });
  const bundle = (version) => ({ resourceType: 'Bundle', type: 'transaction', entry: [put(version, 'completed')] });
  await refused(admin.executeBatch(bundle('stale')), 'precondition-failed');
  assert.deepEqual(statuses(await admin.executeBatch(bundle(made.meta.versionId))), ['200']);
});

test('a patch in a bundle', async () => {
  const made = await admin.createResource(header(alice, [alice]));
  const patch = [{ op: 'replace', path: '/status', value: 'completed' }];
  const data = Buffer.from(JSON.stringify(patch)).toString('base64');
  const answer = await admin.executeBatch({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        request: { method: 'PATCH', url: `Communication/${made.id}` },
        resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data },
      },
    ],
  });
  assert.deepEqual(statuses(answer), ['200']);
  const read = await admin.readResource('Communication', made.id, { cache: 'reload' });
  assert.equal(read.status, 'completed');
});

test('a patch that tests first', async () => {
  const made = await admin.createResource(header(alice, [alice]));
  const operations = (status) => [
    { op: 'test', path: '/status', value: status },
    { op: 'replace', path: '/status', value: 'completed' },
  ];
  await assert.rejects(admin.patchResource('Communication', made.id, operations('stopped')));
  const patched = await admin.patchResource('Communication', made.id, operations('in-progress'));
  assert.equal(patched.status, 'completed');
});

test('pages, to the last', async () => {
  const family = `Family${randomUUID()}`;
  for (let n = 0; n < 25; n++) {
    await admin.createResource({ resourceType: 'Patient', name: [{ family }] });
  }
  const found = [];
  for await (const page of admin.searchResourcePages('Patient', { name: family, _count: 10, _sort: '_lastUpdated' })) {
    found.push(ids(page));
  }
  assert.deepEqual(found.map((page) => page.length), [10, 10, 5]);
  assert.equal(new Set(found.flat()).size, 25);
  const counted = await admin.search('Patient', { name: family, _total: 'accurate', _count: 1 });
  assert.equal(counted.total, 25);
  const one = await admin.searchOne('Patient', { name: family });
  assert.equal(one.name[0].family, family);
});
