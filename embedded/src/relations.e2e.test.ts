import { randomUUID } from 'node:crypto';
import { DEMO_PASSWORD } from '@psa/test-kit/platform';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPlatform, type TestPlatform } from './platform.test-helper.ts';

let platform: TestPlatform;
let admin: string;
beforeAll(async () => {
  platform = await startTestPlatform();
  admin = await platform.login('admin@demo.example');
});
afterAll(() => platform?.stop());

const api = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object, token = admin) =>
  platform.call(method, `/api/v1${path}`, { token, ...(body ? { body } : {}) });
const signIn = (email: string) =>
  platform.call('POST', '/api/v1/auth/login', { body: { email, password: DEMO_PASSWORD } });

describe('what one service refers to in another, with all of them', () => {
  it('is asked for before it is stored', async () => {
    const customer = (await api('POST', '/customers', { name: 'Verweise GmbH' })).body.data;
    const patch = (body: object) => api('PATCH', `/customers/${customer.id}`, body);
    for (const field of ['sla_policy_id', 'preferred_technician_id']) {
      const answer = await patch({ [field]: randomUUID() });
      expect([field, answer.status]).toEqual([field, 400]);
      expect(answer.body.error.details[0].field).toBe(field);
    }
    const policy = (await api('GET', '/sla-policies')).body.data[0];
    expect((await patch({ sla_policy_id: policy.id })).status).toBe(200);
    const technician = (await api('GET', '/users?audience=staff&status=active&limit=1')).body.data[0];
    expect((await patch({ preferred_technician_id: technician.id })).status).toBe(200);
    const rule = await api('POST', '/assignment-rules', { name: 'x', customer_id: randomUUID() });
    expect(rule.body.error.details[0].field).toBe('customer_id');
    const user = await api('POST', '/users', {
      ...{ email: 'x@nirgends.example', name: 'X', role: 'customer_user', password: DEMO_PASSWORD },
      customer_id: randomUUID(),
    });
    expect(user.body.error.details[0].field).toBe('customer_id');
  });

  it('ends access when it ends: the people of a customer that is inactive, active again, deleted', async () => {
    const customer = (await api('POST', '/customers', { name: 'Endlich GmbH' })).body.data;
    const email = 'eva@endlich.example';
    const made = await api('POST', '/users', {
      ...{ email, name: 'Eva', role: 'customer_user', password: DEMO_PASSWORD },
      customer_id: customer.id,
    });
    expect(made.status, made.text).toBe(201);
    const { access_token } = (await signIn(email)).body.data;
    const me = () => api('GET', '/auth/me', undefined, access_token);
    expect((await me()).status).toBe(200);
    await api('PATCH', `/customers/${customer.id}`, { status: 'inactive' });
    await until(async () => (await me()).status === 401, 10_000, 'the token to end');
    expect((await signIn(email)).status).toBe(401);
    await api('PATCH', `/customers/${customer.id}`, { status: 'active' });
    await until(async () => (await signIn(email)).status === 200, 10_000, 'the way back');
    expect((await api('DELETE', `/customers/${customer.id}`)).status).toBe(204);
    await until(async () => (await signIn(email)).status === 401, 10_000, 'the end');
  });
});
