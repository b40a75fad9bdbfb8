import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPlatform, type Platform } from '../platform.ts';
import { readSettings } from '../settings.ts';
import { loadState, saveState } from '../state.ts';
import { type Caller, signIn } from './caller.ts';
import { LIVE_TICKETS } from './live.ts';
import { holdHalfMade, seedDemo } from './seed.ts';

const PASSWORD = 'vier stille Reiher';
/** Changes of tickets after which the first start is cut off: some deadlines passed, some tickets are half told. */
const CUT_AFTER = 14;

interface Ticket {
  readonly id: string;
  readonly ticket_number: number;
  readonly title: string;
  readonly status: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly sla_breached: boolean;
}
type Many<T> = { data: T[] };

/** The same platform, whose desk fails at a change: what a process killed there leaves behind. */
function cutOff(platform: Platform): Platform {
  const app = platform.services.tickets.app as unknown as { inject(request: object): unknown };
  let changes = 0;
  const inject = (request: { method: string; url: string }) => {
    if (request.method === 'PATCH' && request.url.includes('/tickets/') && ++changes > CUT_AFTER)
      throw new Error('cut off here');
    return app.inject(request);
  };
  return {
    ...platform,
    services: {
      ...platform.services,
      tickets: {
        ...platform.services.tickets,
        app: { inject } as unknown as Platform['services']['tickets']['app'],
      },
    },
  };
}

describe('the demo data, begun by a start that was cut off and finished by the next', () => {
  let dir: TempDir;
  let platform: Platform;
  let admin: Caller;
  let tickets: Ticket[];
  let now: Date;

  /** @returns false when it was cut off */
  const begin = async (wrap: (platform: Platform) => Platform) => {
    const settings = readSettings({
      PORT: '1',
      PSA_DATA_DIR: dir.path,
      PSA_DEMO: '1',
      LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    });
    const state = await loadState(dir.path, { mode: 'demo' });
    const built = await buildPlatform({ settings, state, version: '0.0.0-test', logFile: null });
    platform = built;
    holdHalfMade(built, state);
    await built.start();
    await seedDemo({
      platform: wrap(built),
      state,
      wanted: PASSWORD,
      save: (next) => saveState(dir.path, next),
      say: () => {},
    });
  };

  beforeAll(async () => {
    dir = await tempDir('demo');
    await expect(begin(cutOff)).rejects.toThrow('cut off here');
    await platform.stop();
    await begin((built) => built);
    now = new Date();
    admin = await signIn(platform, 'admin@demo.example', PASSWORD);
    tickets = (await admin.send<Many<Ticket>>('GET', '/tickets?limit=100&sort=ticket_number')).data;
  }, 240_000);
  afterAll(async () => {
    await platform?.stop();
    await dir?.remove();
  });

  it('are there once, in the order of time, spread over weeks', () => {
    const titles = new Set(tickets.map(({ title }) => title));
    expect(titles.size).toBe(tickets.length);
    for (const { title } of LIVE_TICKETS) expect(titles).toContain(title);
    const created = tickets.map(({ created_at }) => created_at);
    expect(created).toEqual(created.toSorted());
    expect(new Set(created.map((at) => at.slice(0, 10))).size).toBeGreaterThanOrEqual(10);
    for (const { updated_at, title } of tickets) expect(new Date(updated_at) <= now, title).toBe(true);
    const done = tickets.filter(({ status }) => status === 'closed' || status === 'resolved');
    expect(new Set(done.map(({ updated_at }) => updated_at.slice(0, 13))).size).toBeGreaterThan(20);
    for (const { updated_at } of done)
      expect(now.getTime() - Date.parse(updated_at)).toBeGreaterThan(3_600_000);
  });

  it('have tickets at risk, breached and waiting for the customer', async () => {
    const { data: stats } = await admin.send<{
      data: { sla_at_risk: number; sla_breached_open: number; open_by_status: Record<string, number> };
    }>('GET', '/tickets/stats');
    expect(stats.sla_at_risk).toBeGreaterThanOrEqual(2);
    expect(tickets.filter((ticket) => ticket.sla_breached && ticket.status !== 'closed').length).toBe(2);
    expect(stats.sla_breached_open).toBe(2);
    expect(stats.open_by_status.waiting_customer).toBe(3);
    const waiting = tickets.find(({ status }) => status === 'waiting_customer')!;
    const { data: sla } = await admin.send<{ data: object }>('GET', `/tickets/${waiting.id}/sla`);
    expect(JSON.stringify(sla)).toContain('"paused"');
  });

  it('tell each ticket as it was planned, step by step', async () => {
    for (const planned of LIVE_TICKETS) {
      const ticket = tickets.find(({ title }) => title === planned.title)!;
      const path = `/tickets/${ticket.id}`;
      expect(ticket.status, planned.title).toBe(planned.status ?? 'new');
      const { data: comments } = await admin.send<Many<{ body: string; created_at: string }>>(
        'GET',
        `${path}/comments?limit=50&sort=created_at`,
      );
      const inOrder = (planned.comments ?? []).toSorted((a, b) => b.ago - a.ago);
      expect(comments.map(({ body }) => body)).toEqual(inOrder.map(({ text }) => text));
      const said = comments.map(({ created_at }) => created_at);
      expect(said).toEqual(said.toSorted());
      expect(new Set(said).size).toBe(said.length);

      const { data: history } = await admin.send<
        Many<{ kind: string; occurred_at: string; changes: { field: string; to: unknown }[] }>
      >('GET', `${path}/history?limit=100`);
      const moves = history
        .toSorted((a, b) => a.occurred_at.localeCompare(b.occurred_at))
        .flatMap(({ changes }) => changes.filter(({ field }) => field === 'status').map(({ to }) => to));
      expect(moves, planned.title).toEqual([
        ...(planned.who ? ['assigned'] : []),
        ...(planned.begun === undefined ? [] : ['in_progress']),
        ...(planned.done === undefined ? [] : [planned.status]),
      ]);
      expect(history.filter(({ kind }) => kind === 'time_logged')).toHaveLength(planned.time?.length ?? 0);
      const breaches = history.filter(({ kind }) => kind === 'sla_breached');
      expect(breaches).toHaveLength(ticket.sla_breached ? 1 : 0);
      // Noted when the deadline passed, not when the data were made.
      for (const { occurred_at } of breaches)
        expect(now.getTime() - Date.parse(occurred_at)).toBeGreaterThan(3_000_000);
      const times = history.map(({ occurred_at }) => occurred_at).toSorted();
      expect(times[0]).toBe(ticket.created_at);
      expect(Math.abs(Date.parse(times.at(-1)!) - Date.parse(ticket.updated_at))).toBeLessThan(1_000);
    }
  });

  it('have a time that was corrected, and one that was entered for a colleague', async () => {
    const { id } = tickets.find(({ title }) => title.startsWith('Abfüllung: Steuerung'))!;
    const { data: entries } = await admin.send<
      Many<{ minutes: number; note: string; user: { name: string }; entered_by: { name: string } }>
    >('GET', `/tickets/${id}/time-entries`);
    const told = entries.map(({ minutes, user, entered_by }) => [minutes, user.name, entered_by.name]);
    expect(told).toHaveLength(2);
    expect(told).toContainEqual([45, 'Tobias Kern', 'Tobias Kern']);
    expect(told).toContainEqual([15, 'Tobias Kern', 'Katrin Behrens']);
    const { data: history } = await admin.send<
      Many<{ kind: string; changes: { field: string; from: unknown; to: unknown }[] }>
    >('GET', `/tickets/${id}/history?limit=100`);
    // Once, though the first start was cut off.
    expect(history.filter(({ kind }) => kind === 'time_changed').map(({ changes }) => changes)).toEqual([
      [{ field: 'minutes', from: 30, to: 45 }],
    ]);
  });

  it('stand in log, search and audit trail with those times', async () => {
    const old = new Date(now.getTime() - 2 * 3_600_000);
    await until(async () => {
      const { data } = await admin.send<{ data: { entries: number; intact: boolean } }>(
        'GET',
        '/audit/verify',
      );
      expect(data.intact).toBe(true);
      return data.entries > 150;
    }, 30_000);
    const { data: opened } = await admin.send<Many<{ occurred_at: string; aggregate: { id: string } }>>(
      'GET',
      '/events/history?type=ticket.opened.v1&limit=100',
    );
    expect(opened).toHaveLength(LIVE_TICKETS.length);
    const createdAt = new Map(tickets.map(({ id, created_at }) => [id, created_at]));
    for (const event of opened) expect(event.occurred_at).toBe(createdAt.get(event.aggregate.id));
    const { data: stats } = await admin.send<{ data: { per_hour: object[] } }>(
      'GET',
      '/events/stats?hours=720',
    );
    expect(stats.per_hour.length).toBeGreaterThan(20);
    await until(async () => {
      const { data } = await admin.send<Many<{ updated_at: string; type: string }>>(
        'GET',
        '/search?q=Lohnlauf&types=ticket',
      );
      return data.length > 0 && data.every(({ updated_at }) => new Date(updated_at) < old);
    }, 30_000);
  });

  it('leave the clocks with the present', async () => {
    for (const name of ['crm', 'tickets'] as const)
      expect(Math.abs(platform.deps[name].clock.now().getTime() - Date.now())).toBeLessThan(5_000);
    const { data } = await admin.send<{ data: Ticket }>('PATCH', `/tickets/${tickets.at(-1)!.id}`, {
      tags: ['heute'],
    });
    expect(new Date(data.updated_at) >= now).toBe(true);
  });
});
