// Signing in, as the documentation of MedplumClient has it.
import { OperationOutcomeError } from '@medplum/core';
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { adminClient, administrator, client, invite, participant, password, person, project, refused, signIn } from './world.mjs';

let admin;
before(async () => {
  admin = await administrator();
});

test('client credentials', async () => {
  const medplum = client();
  const profile = await medplum.startClientLogin(adminClient.id, adminClient.secret);
  assert.equal(profile.resourceType, 'ClientApplication');
  assert.equal(medplum.getProject().id, project);
  assert.equal(medplum.isProjectAdmin(), true);
  assert.equal(medplum.isAuthenticated(), true);
  await medplum.searchResources('Patient');
});

test('client credentials in the header', async () => {
  const medplum = client({ authCredentialsMethod: 'header' });
  await medplum.startClientLogin(adminClient.id, adminClient.secret);
  await medplum.searchResources('Patient');
});

test('basic authentication', async () => {
  const medplum = client();
  medplum.setBasicAuth(adminClient.id, adminClient.secret);
  await medplum.searchResources('Patient');
});

test('a wrong secret', async () => {
  await assert.rejects(client().startClientLogin(adminClient.id, 'wrong'), OperationOutcomeError);
});

test('nothing without a token', async () => {
  await refused(client().searchResources('Patient'), 'unauthorized');
});

test('a password with PKCE', async () => {
  const { email, reference } = await invite(admin, { resource: participant });
  const medplum = client();
  const login = await medplum.startLogin({ email, password });
  assert.ok(login.login && login.code);
  const profile = await medplum.processCode(login.code);
  assert.equal(`${profile.resourceType}/${profile.id}`, reference);
  assert.equal(medplum.getProfile().id, profile.id);
  assert.equal((await medplum.getProfileAsync()).id, profile.id);
  assert.equal(medplum.getActiveLogin().profile.reference, reference);
  assert.equal(medplum.isProjectAdmin(), false);
  assert.ok(medplum.getAccessPolicy().resource.some((entry) => entry.resourceType === 'Communication'));
});

test('a password with PKCE as a browser does it', async () => {
  const { email, reference } = await invite(admin, { resource: participant });
  const medplum = client();
  globalThis.window = globalThis;
  let challenge;
  try {
    challenge = await medplum.startPkce();
  } finally {
    delete globalThis.window;
  }
  assert.equal(challenge.codeChallengeMethod, 'S256');
  const { code } = await medplum.startLogin({ email, password, ...challenge });
  const profile = await medplum.processCode(code);
  assert.equal(`${profile.resourceType}/${profile.id}`, reference);
});

test('a wrong password and an unknown user are refused alike', async () => {
  const { email } = await invite(admin);
  const answers = [];
  for (const request of [
    { email, password: 'wrong password' },
    { email: 'nobody@example.com', password },
  ]) {
    const error = await client().startLogin(request).catch((refusal) => refusal);
    answers.push(JSON.stringify(error.outcome));
  }
  assert.ok(answers[0].includes('OperationOutcome'));
  assert.equal(answers[0], answers[1]);
});

test('one of several memberships', async () => {
  const { email, member } = await invite(admin, { resource: participant });
  await admin.invite(project, {
    resourceType: 'Practitioner',
    firstName: 'Alice',
    lastName: 'Example',
    email,
    scope: 'project',
    sendEmail: false,
    forceNewMembership: true,
  });
  const medplum = client();
  const login = await medplum.startLogin({ email, password });
  assert.equal(login.memberships.length, 2);
  const { code } = await medplum.post('auth/profile', { login: login.login, profile: member.id });
  await medplum.processCode(code);
  assert.equal(medplum.getProjectMembership().id, member.id);
  await refused(medplum.searchResources('Patient'), 'forbidden');
});

test('a refresh token is taken when the token ends soon', async () => {
  const { email } = await invite(admin, { resource: participant });
  const medplum = await signIn(email, { scope: 'openid offline_access' });
  const first = medplum.getActiveLogin();
  assert.ok(first.refreshToken);
  await medplum.refreshIfExpired(2 * 3600 * 1000);
  await medplum.searchResources('Communication');
  const second = medplum.getActiveLogin();
  assert.notEqual(second.accessToken, first.accessToken);
  assert.notEqual(second.refreshToken, first.refreshToken);
});

test('signing out ends the token', async () => {
  const { medplum } = await person(admin, { resource: participant });
  const token = medplum.getAccessToken();
  await medplum.signOut();
  const again = client({ accessToken: token });
  await refused(again.searchResources('Communication'), 'unauthorized');
});

test('another password', async () => {
  const { email, medplum } = await person(admin);
  await medplum.post('auth/changepassword', { oldPassword: password, newPassword: 'battery staple' });
  await assert.rejects(client().startLogin({ email, password }), OperationOutcomeError);
  const login = await client().startLogin({ email, password: 'battery staple' });
  assert.ok(login.code);
});

test('an administrator acts on behalf of a member', async () => {
  const { member, reference } = await invite(admin, { resource: participant });
  for (const whom of [`ProjectMembership/${member.id}`, reference]) {
    const medplum = client({ defaultHeaders: { 'X-Medplum-On-Behalf-Of': whom } });
    await medplum.startClientLogin(adminClient.id, adminClient.secret);
    await medplum.searchResources('Communication');
    await refused(medplum.searchResources('Patient'), 'forbidden');
  }
});

test('a fresh project', async () => {
  const email = `owner-${Date.now()}@example.com`;
  const invitation = { resourceType: 'Practitioner', firstName: 'Olga', lastName: 'Owner', email, password };
  const member = await admin.invite(project, { ...invitation, scope: 'server', sendEmail: false });
  const made = await admin.post(admin.fhirUrl('Project', '$init'), {
    resourceType: 'Parameters',
    parameter: [
      { name: 'name', valueString: 'Fresh' },
      { name: 'owner', valueReference: member.user },
    ],
  });
  assert.equal(made.resourceType, 'Project');
  const owner = await signIn(email, { projectId: made.id });
  assert.equal(owner.getProject().name, 'Fresh');
  assert.equal(owner.isProjectAdmin(), true);
  const patient = await owner.createResource({ resourceType: 'Patient' });
  await refused(admin.readResource('Patient', patient.id), 'not-found');
  assert.deepEqual((await owner.searchResources('Patient')).length, 1);
});
