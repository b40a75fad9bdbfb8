import { randomUUID } from 'node:crypto';
import { EVENT_CATALOG } from '@psa/contracts/events/catalog';
import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import type { AccessClaims } from '@psa/contracts/tokens';
import { describe, expect, it } from 'vitest';
import { mayEnd, mayLearn } from './live-audience.ts';

const [customer, me, other] = [randomUUID(), randomUUID(), randomUUID()];
const may = (permissions: readonly string[], audience: 'staff' | 'customer') =>
  ({
    sub: me,
    audience,
    customer_id: audience === 'customer' ? customer : undefined,
    permissions,
  }) as unknown as AccessClaims;
const role = (name: string) => may(DEFAULT_ROLES[name]!.permissions, DEFAULT_ROLES[name]!.audience);
const event = (more: object = {}) => ({
  type: 'ticket.updated.v1',
  customer_id: customer,
  public: true,
  aggregate: { type: 'ticket', id: randomUUID() },
  ...more,
});
const ofType = (type: string) => event({ type, aggregate: { type: type.split('.')[0], id: other } });

describe('the live channel', () => {
  it('asks who sees a ticket for those who do not see all', () => {
    const own = may(['ticket:view:own'], 'staff');
    for (const reader of [role('customer_user'), own]) expect(mayLearn(reader, event())).toBe('ask');
    expect(mayLearn(own, event({ customer_id: other, public: false }))).toBe('ask');
    expect(mayLearn(role('customer_user'), event({ public: false }))).toBe('no');
    expect(mayLearn(role('customer_user'), event({ customer_id: other }))).toBe('no');
    expect(mayLearn(may([], 'staff'), event())).toBe('no');
  });

  it('tells of a ticket whoever sees all of them, and whom it was taken from', () => {
    expect(mayLearn(role('customer_admin'), event())).toBe('yes');
    expect(mayLearn(role('customer_admin'), event({ customer_id: other }))).toBe('no');
    expect(mayLearn(role('technician_l1'), event({ public: false }))).toBe('yes');
    expect(mayLearn(may(['ticket:view:own'], 'staff'), event({ taken_from: [other, me] }))).toBe('yes');
  });

  it('tells of every kind of thing those alone who may read it', () => {
    const [user, boss] = [role('customer_user'), role('customer_admin')];
    for (const type of ['customer.updated.v1', 'site.updated.v1', 'contact.updated.v1'])
      expect([mayLearn(user, ofType(type)), mayLearn(boss, ofType(type))], type).toEqual(['no', 'yes']);
    for (const type of ['user.updated.v1', 'api_key.created.v1', 'desk.changed.v1', 'future.came.v1'])
      expect(mayLearn(boss, ofType(type)), type).toBe('no');
    for (const [type, { seenWith }] of Object.entries(EVENT_CATALOG)) {
      const verdict = (...held: string[]) => mayLearn(may(['event:stream', ...held], 'staff'), ofType(type));
      expect([type, verdict(), verdict(seenWith), verdict('event:view')]).toEqual([
        type,
        'no',
        seenWith === 'ticket:view:own' ? 'ask' : 'yes',
        'yes',
      ]);
    }
    expect(
      mayLearn(may([], 'staff'), event({ type: 'user.updated.v1', aggregate: { type: 'user', id: me } })),
    ).toBe('yes');
  });
});

describe('what may end a session', () => {
  it.each([
    ['user.updated.v1', me, true],
    ['user.updated.v1', other, false],
    ['session.reuse_detected.v1', me, true],
    ['user.logged_in.v1', me, false],
    ['user.logged_out.v1', me, false],
    ['customer.updated.v1', customer, true],
    ['customer.created.v1', customer, false],
    ['role.updated.v1', other, true],
    ['ticket.updated.v1', me, false],
  ])('%s', (type, id, expected) => {
    expect(mayEnd(role('customer_user'), { type, aggregate: { type: type.split('.')[0]!, id } })).toBe(
      expected,
    );
  });
});
