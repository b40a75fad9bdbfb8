import { readFile } from 'node:fs/promises';
import { authService } from '@psa/auth/app';
import { signingKeySet } from '@psa/auth/keys/key-ring';
import { createTenant } from '@psa/auth/tenants/service';
import { crmService } from '@psa/crm/app';
import { inProcessPeers } from '@psa/service-kit/peers';
import { type TokenVerifier, tokenVerifier } from '@psa/service-kit/tokens';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, expect, it } from 'vitest';

const PASSWORD = 'Blaue Lampen am Kanal';
const MIGRATION = new URL('../../services/auth/src/db/migrations/004_check_customers.sql', import.meta.url);

let auth: TestService;
let crm: TestService;
let own: TokenVerifier | null = null;
let crmIsAway = false;

beforeAll(async () => {
  const real = inProcessPeers(() => crm.app, { now: () => new Date() });
  auth = await testService(authService, {
    peers: {
      request: (service, request) =>
        crmIsAway ? Promise.resolve({ status: 503, body: null }) : real.request(service, request),
    },
    overrides: { verifier: { verify: (token) => own!.verify(token) } },
  });
  const { deps, clock } = auth;
  const verifier = tokenVerifier({ keys: signingKeySet(deps), cache: deps.cache, clock });
  own = verifier;
  crm = await testService(crmService, { overrides: { verifier } });
});
afterAll(async () => {
  await auth?.close();
  await crm?.close();
});

it('people of a customer that had ended before auth kept customers are let in no more, after one look', async () => {
  const email = 'admin@first.example';
  await createTenant(auth.deps, { name: 'Erste IT', admin: { email, name: 'Ada', password: PASSWORD } });
  const login = (who: string) =>
    auth.call('POST', '/api/v1/auth/login', { as: null, body: { email: who, password: PASSWORD } });
  const { access_token } = (await login(email)).body.data;
  const as = { as: null, headers: { authorization: `Bearer ${access_token}` } };

  const states = ['active', 'inactive', 'deleted'] as const;
  const session: Record<string, string> = {};
  for (const state of states) {
    const customer = await crm.call('POST', '/api/v1/customers', { ...as, body: { name: `Firma ${state}` } });
    const { id } = customer.body.data;
    const body = {
      ...{ email: `${state}@kunde.example`, name: state, password: PASSWORD },
      ...{ role: 'customer_user', customer_id: id },
    };
    expect((await auth.call('POST', '/api/v1/users', { ...as, body })).status).toBe(201);
    session[state] = (await login(body.email)).body.data.access_token;
    if (state === 'inactive')
      await crm.call('PATCH', `/api/v1/customers/${id}`, { ...as, body: { status: state } });
    if (state === 'deleted')
      expect((await crm.call('DELETE', `/api/v1/customers/${id}`, as)).status).toBe(204);
  }
  // The two services share no bus here: nobody has told auth, as before it listened.
  const letIn = async () => {
    const answers = [];
    for (const state of states) answers.push((await login(`${state}@kunde.example`)).status);
    return answers;
  };
  expect(await letIn()).toEqual([200, 200, 200]);

  await auth.db.admin.unsafe(await readFile(MIGRATION, 'utf8'));
  // Due now, by the clock of this test.
  await auth.db
    .admin`update auth.timers set due_at = ${auth.clock.now().toISOString()} where kind = 'customer_check'`;
  crmIsAway = true;
  await auth.running.runDue();
  expect(await letIn()).toEqual([200, 200, 200]);
  crmIsAway = false;
  auth.clock.advance({ seconds: 30 });
  await auth.running.runDue();
  expect(await letIn()).toEqual([200, 401, 401]);
  for (const [state, token] of Object.entries(session)) {
    const me = await auth.call('GET', '/api/v1/auth/me', {
      as: null,
      headers: { authorization: `Bearer ${token}` },
    });
    expect([state, me.status]).toEqual([state, state === 'active' ? 200 : 401]);
  }
  expect(await auth.db.admin`select 1 from auth.timers where kind = 'customer_check'`).toHaveLength(0);
});
