import { readFile } from 'node:fs/promises';
import { authService } from '@psa/auth/app';
import { signingKeySet } from '@psa/auth/keys/key-ring';
import { createTenant } from '@psa/auth/tenants/service';
import { recogniseContact } from '@psa/auth/users/contacts';
import { crmService } from '@psa/crm/app';
import { linkPortalUser } from '@psa/crm/contacts/portal-users';
import { inProcessPeers } from '@psa/service-kit/peers';
import { type TokenVerifier, tokenVerifier } from '@psa/service-kit/tokens';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let auth: TestService;
let crm: TestService;
let as: { tid: string; sub: string };
let customer: string;
let other: string;

beforeAll(async () => {
  auth = await testService(authService, { peers: inProcessPeers(() => crm.app, { now: () => new Date() }) });
  const ofAuth = tokenVerifier({ keys: signingKeySet(auth.deps), cache: auth.deps.cache, clock: auth.clock });
  const verifier: TokenVerifier = {
    verify: (token) => Promise.any([auth.tokens.verifier.verify(token), ofAuth.verify(token)]),
  };
  crm = await testService(crmService, { overrides: { verifier } });
  const admin = { email: 'admin@first.example', name: 'Ada', password: 'Blaue Lampen am Kanal' };
  const tenant = await createTenant(auth.deps, { name: 'Erste IT', admin });
  as = { tid: tenant.tenant_id, sub: tenant.admin_id };
});
beforeEach(async () => {
  customer = (await call(crm, 'POST', '/customers', { name: 'Eigen' })).id;
  other = (await call(crm, 'POST', '/customers', { name: 'Fremd' })).id;
});
afterAll(async () => {
  await auth?.close();
  await crm?.close();
});

async function call(
  to: TestService,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
) {
  const token = { authorization: `Bearer ${await auth.tokens.issue({ role: 'system_admin', ...as })}` };
  const answer = await to.call(method, `/api/v1${path}`, { as: null, headers: token, ...(body && { body }) });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body?.data;
}
/** Hands each service what the other has told, until nothing new is told. */
async function deliver() {
  for (let told = -1; told !== (await crm.outbox()).length + (await auth.outbox()).length; ) {
    told = (await crm.outbox()).length + (await auth.outbox()).length;
    for (const event of await crm.outbox())
      if (/^contact\.(created|updated)/.test(event.type)) await recogniseContact(auth.deps, event);
    await tellCrm();
  }
}
async function tellCrm() {
  for (const event of await auth.outbox())
    if (event.type.startsWith('user.')) await linkPortalUser(crm.deps, event);
}
const user = (email: string) =>
  call(auth, 'POST', '/users', { email, name: 'Lea', role: 'customer_user', customer_id: customer });
const contact = (body: object) =>
  call(crm, 'POST', '/contacts', { customer_id: customer, name: 'Lea', ...body });
const linkedNow = async (id: string) => (await call(crm, 'GET', `/contacts/${id}`)).user_id;
const linked = async (id: string) => {
  await deliver();
  return linkedNow(id);
};

describe('a contact is linked with its portal user', () => {
  it('when it is made after the user, in whichever form the address is written', async () => {
    const lea = await user('lea@müller.example');
    await deliver();
    const made = await contact({ email: 'Lea@xn--mller-kva.example' });
    expect(await linked(made.id)).toBe(lea.id);
    const foreign = await contact({ customer_id: other, email: 'lea@müller.example' });
    expect(await linked(foreign.id)).toBe(null);
  });

  it('when it is given its address after the user was made, and not by another address any more', async () => {
    const [max, mia] = [await user('max@kunde.example'), await user('mia@kunde.example')];
    await deliver();
    const { id } = await contact({});
    expect(await linked(id)).toBe(null);
    await call(crm, 'PATCH', `/contacts/${id}`, { email: 'max@kunde.example' });
    expect(await linked(id)).toBe(max.id);
    await call(crm, 'PATCH', `/contacts/${id}`, { email: 'mia@kunde.example' });
    expect(await linked(id)).toBe(mia.id);
    await call(crm, 'PATCH', `/contacts/${id}`, { email: null });
    expect(await linked(id)).toBe(null);
  });

  it('when the user comes later, or leaves and another comes', async () => {
    const { id } = await contact({ email: 'ida@kunde.example' });
    expect(await linked(id)).toBe(null);
    const first = await user('ida@kunde.example');
    expect(await linked(id)).toBe(first.id);
    await call(auth, 'DELETE', `/users/${first.id}`);
    expect(await linked(id)).toBe(null);
    expect(await linked((await contact({ email: 'ida@kunde.example' })).id)).toBe(null);
  });

  it('when neither release before told of it: once, in the background, and only what is not linked', async () => {
    const migration = new URL(
      '../../services/auth/src/db/migrations/006_recognise_contacts.sql',
      import.meta.url,
    );
    const timers = () =>
      auth.db.admin`select payload from auth.timers where kind = 'recognise_contacts'`.execute();
    const [eva, uwe] = [await user('eva@kunde.example'), await user('uwe@kunde.example')];
    await deliver();
    const missed = [
      await contact({ email: 'Eva@kunde.example' }),
      await contact({ customer_id: other, email: 'uwe@kunde.example' }),
      await contact({ email: 'niemand@kunde.example' }),
    ];
    const right = await contact({ email: 'uwe@kunde.example' });
    await recogniseContact(auth.deps, (await crm.outbox()).at(-1)!);
    await tellCrm();
    expect(await linkedNow(right.id)).toBe(uwe.id);
    const version = async ({ id }: { id: string }) => (await call(crm, 'GET', `/contacts/${id}`)).version;
    const before = (await auth.outbox()).length;

    await auth.db.admin.unsafe(await readFile(migration, 'utf8'));
    await auth.db.admin`update auth.timers set due_at = ${auth.clock.now().toISOString()}`;
    // A crm of the release before does not listen yet: what is told is lost, and told again until it is heard.
    for (const told of [1, 2]) {
      auth.clock.advance({ minutes: 1 });
      expect(await auth.running.runDue()).toBe(1);
      expect((await auth.outbox()).slice(before).map(({ type, data }) => [type, data.user_id])).toEqual(
        Array(told).fill(['user.recognised.v1', eva.id]),
      );
    }
    await tellCrm();
    expect(await Promise.all(missed.map(({ id }) => linkedNow(id)))).toEqual([eva.id, null, null]);
    expect([await version(missed[0]), await version(right)]).toEqual([2, 2]);
    auth.clock.advance({ minutes: 1 });
    expect(await auth.running.runDue()).toBe(1);
    expect((await auth.outbox()).length).toBe(before + 2);
    expect(await timers()).toEqual([]);
  });

  it('and never with a technician', async () => {
    expect(await linked((await contact({ email: 'admin@first.example' })).id)).toBe(null);
  });
});
