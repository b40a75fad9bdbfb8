import { authService } from '@psa/auth/app';
import { createTenant } from '@psa/auth/tenants/service';
import { recogniseContact } from '@psa/auth/users/contacts';
import { crmService } from '@psa/crm/app';
import { linkPortalUser } from '@psa/crm/contacts/portal-users';
import { inProcessPeers } from '@psa/service-kit/peers';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let auth: TestService;
let crm: TestService;
let as: { tid: string; sub: string };
let customer: string;
let other: string;

beforeAll(async () => {
  auth = await testService(authService, { peers: inProcessPeers(() => crm.app, { now: () => new Date() }) });
  crm = await testService(crmService, { overrides: { verifier: auth.tokens.verifier } });
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
    for (const event of await auth.outbox())
      if (event.type.startsWith('user.')) await linkPortalUser(crm.deps, event);
  }
}
const user = (email: string) =>
  call(auth, 'POST', '/users', { email, name: 'Lea', role: 'customer_user', customer_id: customer });
const contact = (body: object) =>
  call(crm, 'POST', '/contacts', { customer_id: customer, name: 'Lea', ...body });
const linked = async (id: string) => {
  await deliver();
  return (await call(crm, 'GET', `/contacts/${id}`)).user_id;
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

  it('and never with a technician', async () => {
    expect(await linked((await contact({ email: 'admin@first.example' })).id)).toBe(null);
  });
});
