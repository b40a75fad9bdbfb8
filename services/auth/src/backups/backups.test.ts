import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const path = '/api/v1/backups';
const backup = { id: 'database-20261130T010000Z-3f9a2c', at: '2026-11-30T01:00:00Z', bytes: 5 };
const series = {
  ...{ series: 'database', newest_good: backup, newest_proven: null, last_proof_at: null },
  newest_outside_at: null,
};
const finding = {
  ...{ kind: 'missing', severity: 'critical', series: 'redis', figure: null },
  text: 'There is no good backup of redis.',
};
const ago = (minutes: number) => new Date(t.clock.now().getTime() - minutes * 60_000).toISOString();
const report = (more: object = {}) => ({
  ...{ site: 'psa/main', at: ago(0), series: [series], drills: [], findings: [finding] },
  ...more,
});
const tell = (body: object, as: object = t.admin) => t.call('POST', path, { as, body });
const read = (as: object = t.admin) => t.call('GET', path, { as });

describe('reports of backups', () => {
  it('are none at first, then the newest of each site, with its row', async () => {
    expect((await read()).body).toEqual({ data: [] });
    const main = report({ at: ago(10) });
    const told = await tell(main);
    expect([told.status, told.body.data]).toEqual([200, main]);
    const dr = report({ site: 'psa/dr', findings: [] });
    await tell(dr);
    expect((await read()).body.data).toEqual([dr, main]);
    const rows = await t.db.admin`select tenant_id, site from auth.backup_reports order by site`;
    expect(rows).toEqual([
      { tenant_id: t.tenant.tenant_id, site: 'psa/dr' },
      { tenant_id: t.tenant.tenant_id, site: 'psa/main' },
    ]);
  });

  it('are not replaced by an older one, as of two that look at once', async () => {
    const newer = report({ at: ago(1), findings: [] });
    await tell(newer);
    const answer = await tell(report({ at: ago(2) }));
    expect([answer.status, answer.body.data]).toEqual([200, newer]);
    const both = [report({ at: ago(0), drills: [] }), report({ at: ago(0) })];
    expect((await Promise.all(both.map((one) => tell(one)))).map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each([
    [{ at: '2090-01-01T00:00:00Z' }, 'at'],
    [{ at: 'yesterday' }, 'at'],
    [{ site: '' }, 'site'],
    [{ site: 'x\ny' }, 'site'],
    [{ findings: [{ ...finding, kind: 'odd' }] }, 'findings[0].kind'],
    [{ series: [{ ...series, newest_good: { ...backup, bytes: -1 } }] }, 'series[0].newest_good'],
    [{ extra: 1 }, 'extra'],
  ])('that do not fit are refused, and the field is named: %j', async (more, field) => {
    const before = (await read()).body;
    const { status, body } = await tell(report(more));
    expect(status, JSON.stringify(body)).toBe(400);
    expect(body.error.details.map((one: { field: string }) => one.field).join()).toContain(
      field.split(/[.[]/)[0],
    );
    expect((await read()).body).toEqual(before);
  });

  it('are of so many sites at most', async () => {
    for (let i = 2; i < 20; i++) expect((await tell(report({ site: `psa/s${i}` }))).status).toBe(200);
    const { status, body } = await tell(report({ site: 'psa/one-too-many' }));
    expect([status, body.error.details[0].field]).toEqual([400, 'site']);
    expect((await tell(report())).status).toBe(200);
  });

  it('are seen and told by those who may, and by nobody of another tenant or of a customer', async () => {
    const manager = { ...t.admin, role: 'service_manager', permissions: ['desk:manage'] };
    expect((await read(manager)).status).toBe(403);
    expect((await tell(report(), manager)).status).toBe(403);
    const reporter = { ...t.admin, permissions: ['backup:report'] };
    expect((await tell(report(), reporter)).status).toBe(200);
    expect((await read(reporter)).status).toBe(403);
    const stranger = { tid: '0195d000-0000-7000-8000-00000000f001', permissions: ['*'] };
    expect((await read(stranger)).body).toEqual({ data: [] });
  });
});
