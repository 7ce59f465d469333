// "Messaging data model".
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, ids, message, refer } from './world.mjs';

const SNOMED = 'http://snomed.info/sct';
const coded = (code) => ({ coding: [{ system: SNOMED, code }] });

let admin, alice, house;
before(async () => {
  admin = await administrator();
  [alice, house] = await Promise.all(
    ['Alice', 'House'].map(async (given) => {
      const made = await admin.createResource({ resourceType: 'Practitioner', name: [{ given: [given] }] });
      return `Practitioner/${made.id}`;
    })
  );
});

test('a thread of a header and three messages', async () => {
  const topic = { text: 'Grouped' };
  const thread = await admin.createResource(header(alice, [alice, house], { topic }));
  let before;
  for (const text of ['one', 'two', 'three']) {
    const more = { topic, ...(before && { inResponseTo: [refer(before)] }) };
    before = await admin.createResource(message(thread, alice, [house], text, more));
  }
  const children = await admin.searchResources('Communication', `part-of=Communication/${thread.id}`);
  assert.equal(children.length, 3);
  assert.ok(children.every((child) => child.topic.text === 'Grouped'));
});

test('categories, one by one and together', async () => {
  const category = ['158965000', '394583002', '735985000'].map(coded);
  const thread = await admin.createResource(header(alice, [alice], { category }));
  const other = await admin.createResource(header(alice, [alice], { category: [category[0]] }));
  const find = async (query) => ids(await admin.searchResources('Communication', `part-of:missing=true&_count=1000&${query}`));
  assert.ok((await find(`category=${SNOMED}|158965000`)).includes(other.id));
  const both = await find(`category=${SNOMED}|158965000&category=${SNOMED}|394583002`);
  assert.ok(both.includes(thread.id) && !both.includes(other.id));
  const added = await admin.patchResource('Communication', other.id, [
    { op: 'add', path: '/category/-', value: coded('394583002') },
  ]);
  assert.equal(added.category.length, 2);
  assert.ok((await find(`category=${SNOMED}|394583002`)).includes(other.id));
});

test('the medium is found', async () => {
  const system = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationMode';
  const medium = ['SMSWRIT', 'ELECTRONIC'].map((code) => ({ coding: [{ system, code }] }));
  const made = await admin.createResource(header(alice, [alice], { medium }));
  assert.ok(ids(await admin.searchResources('Communication', `medium=${system}|SMSWRIT&_count=1000`)).includes(made.id));
});
