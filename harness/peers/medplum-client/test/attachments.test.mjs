// "Sending messages and attachments", with the pages on Binary.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, header, message, participant, person, refer } from './world.mjs';

let admin, alice, house, outsider;
before(async () => {
  admin = await administrator();
  const resource = [...participant, { resourceType: 'Binary' }, { resourceType: 'DocumentReference' }];
  [alice, house, outsider] = await Promise.all(
    ['Alice', 'House', 'Otto'].map((name) => person(admin, { resource, name }))
  );
});

const bytes = 'the report, as it was sent';
const file = { data: bytes, filename: 'lab-report.txt', contentType: 'text/plain' };
const open = () => alice.medplum.createResource(header(alice.reference, [alice.reference, house.reference]));
/** The content. The client gives whatever was answered, so a refusal is told by what it is. */
const follow = async (reader, url) => {
  const text = await (await reader.medplum.download(url)).text();
  if (text.includes('"resourceType":"OperationOutcome"')) {
    throw new Error(text);
  }
  return text;
};

test('a file is uploaded and read', async () => {
  const binary = await alice.medplum.createBinary(file);
  assert.equal(binary.resourceType, 'Binary');
  assert.equal(binary.contentType, 'text/plain');
  assert.equal(await follow(alice, alice.medplum.fhirUrl('Binary', binary.id)), bytes);
});

test('a message with an attachment', async () => {
  const thread = await open();
  const contentAttachment = await alice.medplum.createAttachment({ ...file, securityContext: refer(thread) });
  const payload = [{ contentString: 'see this' }, { contentAttachment }];
  const sent = await alice.medplum.createResource(message(thread, alice.reference, [house.reference], '', { payload }));
  const read = await house.medplum.readResource('Communication', sent.id);
  assert.equal(read.payload[0].contentString, 'see this');
  const attachment = read.payload[1].contentAttachment;
  assert.equal(attachment.title, 'lab-report.txt');
  assert.equal(attachment.contentType, 'text/plain');
  assert.equal(await follow(house, attachment.url), bytes);
});

test('a file is only for those who see what it belongs to', async () => {
  const thread = await open();
  const binary = await alice.medplum.createBinary({ ...file, securityContext: refer(thread) });
  const url = alice.medplum.fhirUrl('Binary', binary.id);
  assert.equal(await follow(house, url), bytes);
  await assert.rejects(follow(outsider, url));
  await alice.medplum.patchResource('Communication', thread.id, [
    { op: 'replace', path: '/recipient', value: [{ reference: alice.reference }] },
  ]);
  await assert.rejects(follow(house, url));
});

test('a document that a message refers to', async () => {
  const binary = await alice.medplum.createBinary(file);
  const subject = await admin.createResource({ resourceType: 'Patient' });
  const document = await alice.medplum.createResource({
    resourceType: 'DocumentReference',
    status: 'current',
    subject: refer(subject),
    content: [{ attachment: { contentType: 'text/plain', url: `Binary/${binary.id}`, title: 'report' } }],
  });
  const thread = await open();
  const payload = [{ contentReference: refer(document) }];
  const sent = await alice.medplum.createResource(message(thread, alice.reference, [house.reference], '', { payload }));
  const read = await house.medplum.readResource('Communication', sent.id);
  const resolved = await house.medplum.readReference(read.payload[0].contentReference);
  assert.equal(resolved.id, document.id);
  const listed = await alice.medplum.searchResources('DocumentReference', { subject: `Patient/${subject.id}` });
  assert.equal(listed.length, 1);
});

test('a message outlives its file', async () => {
  const thread = await open();
  const binary = await alice.medplum.createBinary(file);
  const payload = [{ contentAttachment: { contentType: 'text/plain', url: `Binary/${binary.id}` } }];
  const sent = await alice.medplum.createResource(message(thread, alice.reference, [house.reference], '', { payload }));
  await alice.medplum.deleteResource('Binary', binary.id);
  const read = await alice.medplum.readResource('Communication', sent.id);
  assert.equal(read.payload[0].contentAttachment.contentType, 'text/plain');
  await assert.rejects(follow(alice, alice.medplum.fhirUrl('Binary', binary.id)));
});
