import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemIds } from '@psa/service-kit/ids';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest, PASSWORD } from '../auth.test-helper.ts';
import { createTenant } from '../tenants/service.ts';
import { recordAudit } from './service.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const event = (n: number, change: Partial<EventEnvelope> = {}): EventEnvelope => ({
  id: systemIds.uuid(),
  type: 'ticket.opened.v1',
  version: 1,
  tenant_id: t.tenant.tenant_id,
  customer_id: null,
  aggregate: { type: 'ticket', id: `ticket-${n}` },
  occurred_at: new Date(t.clock.now().getTime() + n).toISOString(),
  correlation_id: `req_${n}`,
  causation_id: null,
  actor: { kind: 'staff', id: t.tenant.admin_id, name: 'Ada Admin' },
  public: true,
  data: { number: n, text: 'ä "quoted" \\ \u2028', nested: { b: [1.5, null, true], a: 1e21, tiny: 1e-7 } },
  ...change,
});
const verify = async (as = t.admin) => (await t.call('GET', '/api/v1/audit/verify', { as })).body.data;
const list = (query = '', as = t.admin) => t.call('GET', `/api/v1/audit?${query}`, { as });

describe('the audit log', () => {
  it('of a tenant without entries is whole', async () => {
    expect(await verify()).toEqual({
      entries: 0,
      intact: true,
      first_broken_seq: null,
      reason: null,
      head_hash: null,
    });
  });

  it('records each event once, in one chain, however it is delivered', async () => {
    const events = Array.from({ length: 30 }, (_, i) => event(i + 1));
    await recordAudit(t.deps, events.slice(0, 10));
    await Promise.all([
      recordAudit(t.deps, events.slice(0, 20)),
      recordAudit(t.deps, events.slice(5, 30)),
      recordAudit(t.deps, [...events].reverse()),
      ...events.slice(20).map((one) => recordAudit(t.deps, [one])),
    ]);
    const rows = await t.db
      .admin`select seq, id from auth.audit_log where tenant_id = ${t.tenant.tenant_id} order by seq`;
    expect(rows.map((row) => Number(row.seq))).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(new Set(rows.map((row) => row.id))).toEqual(new Set(events.map((one) => one.id)));
    expect(await verify()).toMatchObject({ entries: 30, intact: true });
  });

  it('shows what was recorded, newest first, by cursor and by filter', async () => {
    const recorded = event(99, {
      type: 'audit.recorded.v1',
      aggregate: { type: 'user', id: t.tenant.admin_id },
      data: { action: 'login.refused', detail: { reason: 'wrong_password' } },
    });
    await recordAudit(t.deps, [recorded]);
    const { body } = await list('limit=10');
    expect(body.data[0]).toMatchObject({
      id: recorded.id,
      seq: 31,
      action: 'login.refused',
      actor: { kind: 'staff', id: t.tenant.admin_id, name: 'Ada Admin' },
      object: { type: 'user', id: t.tenant.admin_id },
      request_id: 'req_99',
      detail: { reason: 'wrong_password' },
      occurred_at: recorded.occurred_at,
    });
    const seen = [];
    for (let url: string | null = '/api/v1/audit?limit=10'; url; ) {
      const page: { body: { data: { seq: number }[]; links: { next: string | null } } } = await t.call(
        'GET',
        url,
        {
          as: t.admin,
        },
      );
      seen.push(...page.body.data.map((entry) => entry.seq));
      url = page.body.links.next;
    }
    expect(seen).toEqual(Array.from({ length: 31 }, (_, i) => 31 - i));
    expect((await list('action=login.refused')).body.data).toHaveLength(1);
    expect((await list('object_type=ticket&object_id=ticket-7')).body.data).toHaveLength(1);
    expect((await list(`actor_id=${t.tenant.admin_id}&limit=100`)).body.data).toHaveLength(31);
    expect(
      (await list(`after=${event(20).occurred_at}&before=${event(25).occurred_at}`)).body.data,
    ).toHaveLength(5);
    expect((await list('cursor=nonsense')).status).toBe(400);
    expect((await list('', { ...t.admin, role: 'technician_l1' })).status).toBe(403);
  });

  it('cannot be changed or emptied by the service itself', async () => {
    const scope = { tenant_id: t.tenant.tenant_id, customer_id: null };
    for (const attempt of [
      `update audit_log set action = 'nothing'`,
      'delete from audit_log',
      'truncate audit_log',
      'delete from audit_heads',
      'alter table audit_log disable row level security',
    ]) {
      await expect(
        t.deps.db.tx(scope, (tx) => tx.sql.unsafe(attempt)),
        attempt,
      ).rejects.toMatchObject({ code: '42501' });
    }
    await expect(
      t.deps.db.tx(scope, (tx) => tx.sql`insert into audit_log select * from audit_log`),
    ).rejects.toThrow();
    expect(await verify()).toMatchObject({ entries: 31, intact: true });
  });

  it('tells where somebody with more rights has changed, removed, moved or cut it', async () => {
    const { admin } = t.db;
    const tenant = t.tenant.tenant_id;
    const tampered = async (change: string, undo: string) => {
      await admin.unsafe(change.replaceAll('$T', `tenant_id = '${tenant}'`));
      const verdict = await verify();
      await admin.unsafe(undo.replaceAll('$T', `tenant_id = '${tenant}'`));
      return { intact: verdict.intact, seq: verdict.first_broken_seq, reason: verdict.reason };
    };
    await admin.unsafe('create table keep as select * from auth.audit_log');
    const columns = `tenant_id, seq, id, occurred_at, recorded_at, action, actor, object_type, object_id, request_id,
      detail, prev_hash, hash`;
    const restore = `delete from auth.audit_log where $T; insert into auth.audit_log (${columns}) select ${columns} from keep where $T`;
    const changed = { intact: false, seq: 7, reason: 'content_changed' };
    for (const set of [
      `action = 'ticket.closed.v1'`,
      `detail = jsonb_set(detail, '{number}', '8')`,
      `actor = jsonb_set(actor, '{name}', '"Eve"')`,
      `occurred_at = occurred_at + interval '1 ms'`,
      `recorded_at = recorded_at - interval '1 s'`,
      `object_id = 'other'`,
      `request_id = null`,
    ]) {
      expect(await tampered(`update auth.audit_log set ${set} where $T and seq = 7`, restore), set).toEqual(
        changed,
      );
    }
    const linkBroken = { intact: false, seq: 7, reason: 'link_broken' };
    expect(await tampered('delete from auth.audit_log where $T and seq = 7', restore)).toEqual(linkBroken);
    expect(await tampered('delete from auth.audit_log where $T and seq > 29', restore)).toEqual({
      intact: false,
      seq: 30,
      reason: 'head_differs',
    });
    await admin.unsafe('create table keep_heads as select * from auth.audit_heads');
    const restoreHead = `delete from auth.audit_heads where $T; insert into auth.audit_heads select * from keep_heads where $T`;
    for (const [change, seq] of [
      [
        `update auth.audit_heads set seq = 20, hash = (select hash from auth.audit_log where $T and seq = 20) where $T`,
        21,
      ],
      ['delete from auth.audit_heads where $T', 1],
      [
        `insert into auth.audit_log (${columns}) select ${columns.replace('seq,', 'seq + 1000,')} from keep where $T and seq = 31`,
        32,
      ],
    ] as const) {
      expect(await tampered(change, `${restoreHead}; ${restore}`), change).toEqual({
        intact: false,
        seq,
        reason: 'head_differs',
      });
    }
    expect(
      await tampered(
        `update auth.audit_log set seq = -1 where $T and seq = 7; update auth.audit_log set seq = 7 where $T and seq = 8;
         update auth.audit_log set seq = 8 where $T and seq = -1`,
        restore,
      ),
    ).toEqual(linkBroken);
    expect(await verify()).toMatchObject({ intact: true, entries: 31 });
  });

  it('keeps tenants apart', async () => {
    const other = await createTenant(t.deps, {
      name: 'Zweite IT',
      admin: { email: 'admin@second.example', name: 'Bea', password: PASSWORD },
    });
    const as = { tid: other.tenant_id, sub: other.admin_id, role: 'system_admin' };
    expect((await list('', as)).body.data).toEqual([]);
    await recordAudit(t.deps, [event(1, { tenant_id: other.tenant_id }), event(2)]);
    expect(await verify(as)).toMatchObject({ entries: 1, intact: true });
    expect(await verify()).toMatchObject({ entries: 32, intact: true });
  });

  it('gets what the service itself does, through outbox and bus', async () => {
    await t.running.start();
    const id = await t.user({ email: 'audited@first.example' });
    await until(async () => (await list(`object_id=${id}`)).body.data.length > 0);
    const { body } = await list(`object_id=${id}`);
    expect(body.data[0]).toMatchObject({ action: 'user.created.v1', object: { type: 'user', id } });
    expect(await verify()).toMatchObject({ intact: true });
  });
});
