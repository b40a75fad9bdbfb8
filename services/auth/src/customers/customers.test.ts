import { randomUUID } from 'node:crypto';
import { makeEvent } from '@psa/test-kit/make-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest, CUSTOMER, PASSWORD } from '../auth.test-helper.ts';
import { followCustomer } from './consumer.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

let version = 1;
const tell = (type: 'customer.updated.v1' | 'customer.deleted.v1', status: string, at = ++version) =>
  followCustomer(
    t.deps,
    makeEvent({
      type,
      tenant_id: t.tenant.tenant_id,
      data: { customer_id: CUSTOMER, status, version: at },
    }),
  );
const portalUser = (email: string, more = {}) =>
  t.user({ email, role: 'customer_user', customer_id: CUSTOMER, ...more });

describe('access of a customer’s people', () => {
  it('ends at once with the customer, in every form, and comes back with it', async () => {
    await portalUser('pia@kunde.example');
    await portalUser('neu@kunde.example', { password: undefined, invite: true });
    const invitation = await t.mailedToken('neu@kunde.example');
    const session = await t.session('pia@kunde.example');
    const made = await t.as(session.access, 'POST', '/api/v1/api-keys', {
      name: 'skript',
      current_password: PASSWORD,
    });
    const exchange = () => t.as(null, 'POST', '/internal/api-keys/exchange', { api_key: made.body.data.key });
    const keyToken = (await exchange()).body.access_token;
    await t.as(null, 'POST', '/api/v1/auth/forgot-password', { email: 'pia@kunde.example' });
    await t.idle();
    const link = await t.mailedToken('pia@kunde.example');
    const reset = (token: string) =>
      t.as(null, 'POST', '/api/v1/auth/reset-password', {
        token,
        new_password: 'Grüne Dächer im Herbstlicht',
      });
    const refresh = () => t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: session.refresh });
    const me = (token: string) => t.as(token, 'GET', '/api/v1/auth/me');
    expect((await me(session.access)).status).toBe(200);

    await tell('customer.updated.v1', 'inactive');
    expect((await me(session.access)).status).toBe(401);
    expect((await me(keyToken)).status).toBe(401);
    expect((await exchange()).status).toBe(401);
    expect((await refresh()).status).toBe(401);
    expect((await t.login('pia@kunde.example')).status).toBe(401);
    expect((await reset(link)).status).toBe(400);
    expect((await reset(invitation)).status).toBe(400);
    const mails = t.mailer.sent.length;
    await t.as(null, 'POST', '/api/v1/auth/forgot-password', { email: 'pia@kunde.example' });
    await t.idle();
    await t.mailedToken('pia@kunde.example');
    expect(t.mailer.sent).toHaveLength(mails);

    t.clock.advance({ seconds: 1 });
    await tell('customer.updated.v1', 'active');
    expect((await t.login('pia@kunde.example')).status).toBe(200);
    expect((await exchange()).status).toBe(200);
    expect((await reset(invitation)).status).toBe(204);

    // What comes late says nothing any more.
    await tell('customer.updated.v1', 'inactive', version - 1);
    expect((await t.login('pia@kunde.example')).status).toBe(200);
    await tell('customer.deleted.v1', 'active');
    expect((await t.login('pia@kunde.example')).status).toBe(401);
    expect((await t.login()).status).toBe(200);
    t.clock.advance({ minutes: 16 });
    await tell('customer.updated.v1', 'active');
  });

  it('ends with the contact that somebody is, and an administrator gives it back', async () => {
    const id = await portalUser('karl@kunde.example');
    const { access } = await t.session('karl@kunde.example');
    const gone = (user_id: string | null) =>
      followCustomer(
        t.deps,
        makeEvent({
          type: 'contact.deleted.v1',
          tenant_id: t.tenant.tenant_id,
          data: { contact_id: randomUUID(), customer_id: CUSTOMER, user_id, version: 2 },
        }),
      );
    await gone(null);
    expect((await t.as(access, 'GET', '/api/v1/auth/me')).status).toBe(200);
    await gone(id);
    expect((await t.as(access, 'GET', '/api/v1/auth/me')).status).toBe(401);
    expect((await t.login('karl@kunde.example')).status).toBe(401);
    expect((await t.events('user.updated.v1')).at(-1)!.data).toMatchObject({
      user_id: id,
      status: 'disabled',
    });
    await t.call('PATCH', `/api/v1/users/${id}`, { as: t.admin, body: { status: 'active' } });
    expect((await t.login('karl@kunde.example')).status).toBe(200);
    // Nobody of the staff is a contact.
    await gone(t.tenant.admin_id);
    expect((await t.login()).status).toBe(200);
  });
});
