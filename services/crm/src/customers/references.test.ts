import { randomUUID } from 'node:crypto';
import type { PeerRequest, PeerResponse } from '@psa/service-kit/peers';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';

const [policy, anna, gone, pia] = Array.from({ length: 4 }, () => randomUUID());
/** What the services that own them would answer. */
const KNOWN: Readonly<Record<string, object>> = {
  [`tickets /api/v1/sla-policies/${policy}`]: { id: policy },
  [`auth /api/v1/users/${anna}`]: { id: anna, audience: 'staff', status: 'active' },
  [`auth /api/v1/users/${gone}`]: { id: gone, audience: 'staff', status: 'disabled' },
  [`auth /api/v1/users/${pia}`]: { id: pia, audience: 'customer', status: 'active' },
};
const asked: string[] = [];
let away = false;

let crm: TestService;
beforeAll(async () => {
  const peers = {
    async request(service: string, { path }: PeerRequest): Promise<PeerResponse> {
      asked.push(`${service} ${path}`);
      const data = KNOWN[`${service} ${path}`];
      if (away) return { status: 503, body: null };
      return data ? { status: 200, body: { data } } : { status: 404, body: null };
    },
  };
  crm = await testService(crmService, { peers });
});
afterAll(() => crm.close());

const url = '/api/v1/customers';
const post = (body: object) => crm.call('POST', url, { body: { name: 'Kunde', ...body } });
const patch = (id: string, body: object) => crm.call('PATCH', `${url}/${id}`, { body });
const details = (answer: { body: { error: { details: object[] } } }) => answer.body.error.details;

describe('what a customer refers to in other services', () => {
  it('is there, or the field is named, when it is created and when it changes', async () => {
    const nobody = randomUUID();
    const wrong = [
      [
        { sla_policy_id: nobody },
        [{ field: 'sla_policy_id', code: 'not_found', message: 'there is no such SLA policy' }],
      ],
      [
        { sla_policy_id: nobody, preferred_technician_id: nobody },
        [
          { field: 'sla_policy_id', code: 'not_found', message: 'there is no such SLA policy' },
          { field: 'preferred_technician_id', code: 'not_found', message: 'there is no such technician' },
        ],
      ],
      [
        { preferred_technician_id: pia },
        [{ field: 'preferred_technician_id', code: 'not_a_technician', message: 'must be a technician' }],
      ],
      [
        { preferred_technician_id: gone },
        [{ field: 'preferred_technician_id', code: 'not_a_technician', message: 'is disabled' }],
      ],
    ] as const;
    const made = await post({ sla_policy_id: policy, preferred_technician_id: anna });
    expect(made.status, made.text).toBe(201);
    const { id } = made.body.data;
    for (const [body, expected] of wrong) {
      for (const answer of [await post(body), await patch(id, body)]) {
        expect(answer.status).toBe(400);
        expect(details(answer)).toEqual(expected);
      }
    }
    const [row] = await crm.db.admin`
      select sla_policy_id, preferred_technician_id, version from crm.customers where id = ${id}`;
    expect(row).toEqual({ sla_policy_id: policy, preferred_technician_id: anna, version: 1 });
  });

  it('is not asked for again when it is the same, nor to take it away', async () => {
    const { id } = (await post({ sla_policy_id: policy })).body.data;
    asked.length = 0;
    expect((await patch(id, { sla_policy_id: policy, notes: 'x' })).status).toBe(200);
    expect((await patch(id, { sla_policy_id: null })).status).toBe(200);
    expect(asked).toEqual([]);
    expect((await patch(randomUUID(), { sla_policy_id: policy })).status).toBe(404);
  });

  it('is not taken unchecked while the owner is away', async () => {
    away = true;
    const answer = await post({ sla_policy_id: policy });
    away = false;
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
  });
});
