// Live updates: a subscription over WebSocket, under the policy of who subscribes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { administrator, header, message, participant, person } from './world.mjs';

let alice, house;
const open = [];
before(async () => {
  const admin = await administrator();
  const resource = [...participant, { resourceType: 'Subscription', criteria: 'Subscription?author=%profile' }];
  [alice, house] = await Promise.all(['Alice', 'House'].map((name) => person(admin, { resource, name })));
});
after(() => {
  for (const [medplum, criteria] of open) {
    medplum.unsubscribeFromCriteria(criteria);
    medplum.getSubscriptionManager().closeWebSocket();
  }
});

/** Subscribes, and waits until that is known to the server. */
async function subscribe(medplum, criteria) {
  const seen = [];
  let tell = () => {};
  const emitter = medplum.subscribeToCriteria(criteria);
  open.push([medplum, criteria]);
  emitter.addEventListener('message', (event) => {
    const entries = event.payload.entry.map((entry) => entry.resource);
    seen.push(entries.find((resource) => resource.resourceType === 'Communication'));
    tell();
  });
  await new Promise((resolve, reject) => {
    emitter.addEventListener('connect', resolve);
    emitter.addEventListener('error', (event) => reject(event.payload));
  });
  const until = async (count) => {
    while (seen.length < count) {
      await new Promise((resolve) => {
        tell = resolve;
      });
    }
    return seen;
  };
  return { seen, until };
}

test('a message arrives where it may be seen, and nowhere else', async () => {
  const both = [alice.reference, house.reference];
  const shared = await alice.medplum.createResource(header(alice.reference, both));
  const criteria = `Communication?part-of=Communication/${shared.id}`;
  const ofHouse = await subscribe(house.medplum, criteria);
  const ofAlice = await subscribe(alice.medplum, criteria);
  const hidden = await alice.medplum.createResource(message(shared, alice.reference, [alice.reference], 'hidden'));
  const sent = await alice.medplum.createResource(message(shared, alice.reference, [house.reference], 'shown'));
  await ofAlice.until(2);
  await ofHouse.until(1);
  assert.deepEqual(ofAlice.seen.map((one) => one.id), [hidden.id, sent.id]);
  assert.deepEqual(ofHouse.seen.map((one) => one.id), [sent.id]);
  await alice.medplum.patchResource('Communication', sent.id, [
    { op: 'replace', path: '/payload', value: [{ contentString: 'edited' }] },
  ]);
  const seen = await ofHouse.until(2);
  assert.equal(seen[1].payload[0].contentString, 'edited');
});
