import { randomUUID } from 'node:crypto';
import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import type { AccessClaims } from '@psa/contracts/tokens';
import { describe, expect, it } from 'vitest';
import { mayLearn } from './live-stream.ts';

const [customer, me, other] = [randomUUID(), randomUUID(), randomUUID()];
const claims = (role: string, audience: 'staff' | 'customer') =>
  ({
    sub: me,
    audience,
    customer_id: audience === 'customer' ? customer : undefined,
    permissions: DEFAULT_ROLES[role]!.permissions,
  }) as unknown as AccessClaims;
const event = (more: object = {}) => ({
  customer_id: customer,
  public: true,
  aggregate: { type: 'ticket', id: randomUUID() },
  ...more,
});

describe('the live channel', () => {
  it('tells who sees only its own tickets of those it asked for, and of no colleague’s', () => {
    const user = claims('customer_user', 'customer');
    expect(mayLearn(user, event({ requester_id: me }))).toBe(true);
    expect(mayLearn(user, event({ requester_id: other }))).toBe(false);
    expect(mayLearn(user, event())).toBe(false);
    expect(mayLearn(user, event({ requester_id: me, public: false }))).toBe(false);
  });

  it('tells whoever sees all of the customer’s tickets of all of them', () => {
    const boss = claims('customer_admin', 'customer');
    expect(mayLearn(boss, event({ requester_id: other }))).toBe(true);
    expect(mayLearn(boss, event({ customer_id: other }))).toBe(false);
    expect(mayLearn(claims('technician_l1', 'staff'), event({ public: false }))).toBe(true);
  });

  it('tells nobody in the portal of kinds of things that the asker may not see', () => {
    const [user, boss] = [claims('customer_user', 'customer'), claims('customer_admin', 'customer')];
    const of = (type: string) => event({ aggregate: { type, id: randomUUID() } });
    for (const type of ['customer', 'site', 'contact']) {
      expect([mayLearn(user, of(type)), mayLearn(boss, of(type))], type).toEqual([false, true]);
    }
    for (const type of ['user', 'api_key', 'team']) expect(mayLearn(boss, of(type)), type).toBe(false);
  });
});
