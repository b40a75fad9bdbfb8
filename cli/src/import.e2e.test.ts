import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { COLUMNS, type Fields, generatedLog, logFile } from './import/log-file.test-helper.ts';
import { digestOf, type ImportState, importState } from './import-state.test-helper.ts';
import { BIN, type RunningPlatform, startPlatform } from './platform.test-helper.ts';
import { runCli } from './run-cli.test-helper.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** How often the import is killed on its way: a few times in `npm test`, more in the drills. */
    importKills: number;
  }
}

/** A real event log, kept beside the repository where there is one. */
const REAL = join(import.meta.dirname, '../../../shared/data/incidents/incident_event_log.csv');
const KILLS = inject('importKills');
const MINUTES = 60_000;

let dir: TempDir;
let file: string;
let rows: Fields[];
beforeAll(async () => {
  dir = await tempDir('psactl-import-e2e');
  file = existsSync(REAL) ? REAL : join(dir.path, 'log.csv');
  if (file !== REAL) await writeFile(file, logFile(generatedLog(300)));
  rows = parse(readFileSync(file, 'utf8'));
});
afterAll(() => dir.remove());

/** Read without the code under test. Neither file has quotes. */
function parse(text: string): Fields[] {
  const [header, ...lines] = text.trim().split(/\r?\n/);
  expect(header!.split(',')).toEqual(COLUMNS);
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, i) => [COLUMNS[i]!, value])));
}
const distinct = (...columns: (keyof Fields)[]) =>
  new Set(rows.flatMap((row) => columns.map((column) => row[column]!)).filter((value) => value !== '?')).size;
const clean = (value: string) => (value === '?' ? null : value.replace(/ +/g, ' '));
const iso = (time: string) => {
  const [, d, m, y, clock] = /^(..)-(..)-(....) (.....)$/.exec(time)!;
  return `${y}-${m}-${d}T${clock}:00+00:00`;
};
/** By number, each incident's rows as they happened. */
const incidents = (of: readonly Fields[] = rows) => Map.groupBy(of, ({ number }) => number!);

const argv = (path: string) => ['import', 'tickets', path, '--format', 'servicenow-log', '--json'];
async function importInto(platform: RunningPlatform, more: string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli([...argv(file), ...more], { ...platform.env, ...env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}
/** What the second import of the same file says. */
const unchanged = () => ({
  rows: rows.length,
  taken: rows.length,
  refused: 0,
  tickets: distinct('number'),
  tickets_created: 0,
  tickets_updated: 0,
  tickets_unchanged: distinct('number'),
  history_added: 0,
  history_known: rows.length,
  customers_created: 0,
  contacts_created: 0,
  teams_created: 0,
  technicians_created: 0,
});

/** Equal in every row; when not, the digests say where. */
function expectSame(state: ImportState, wanted: ImportState): void {
  expect(digestOf(state)).toEqual(digestOf(wanted));
  expect(state).toEqual(wanted);
}

interface TicketRow {
  [column: string]: unknown;
  external_id: string;
}
interface HistoryRow {
  ticket: string;
  occurred_at: string;
  changes: { field: string; from: string | null; to: string | null }[];
}

describe('an event log', () => {
  let platform: RunningPlatform;
  let whole: ImportState;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.stop());

  it('is imported whole, with counts that reconcile', { timeout: 10 * MINUTES }, async () => {
    const result = await importInto(platform);
    const tickets = distinct('number');
    expect(result).toMatchObject({
      rows: rows.length,
      taken: rows.length,
      refused: 0,
      problems: [],
      tickets,
      tickets_created: tickets,
      tickets_refused: 0,
      history_added: rows.length,
      history_known: 0,
      teams: distinct('assignment_group'),
      teams_created: result.teams,
      technicians: distinct('assigned_to', 'resolved_by', 'sys_updated_by'),
      technicians_created: result.technicians,
      customers_created: result.customers,
      contacts_created: result.contacts,
    });
    const unknown = rows.some(({ location }) => location === '?') ? 1 : 0;
    expect(result.customers - distinct('location')).toBeLessThanOrEqual(unknown);
    whole = await importState(platform.sql);
    expect(
      Object.fromEntries(Object.entries(whole).map(([name, list]) => [name, list.length])),
    ).toMatchObject({
      tickets,
      history: rows.length,
      customers: result.customers,
      contacts: result.contacts,
      users: result.technicians,
      teams: result.teams,
      comments: 0,
      'read model: customers': result.customers,
      'read model: people': result.contacts,
      'read model: technicians': result.technicians + 1,
      search: tickets + result.customers + result.contacts,
    });
    expect(whole.audit).toHaveLength(whole.events!.length);
  });

  it('stands in the database as it stood in the file: every row at its time', () => {
    const histories = Map.groupBy(whole.history as HistoryRow[], ({ ticket }) => ticket);
    const priorities = { 1: 'critical', 2: 'high', 3: 'medium', 4: 'low' };
    const statuses: Record<string, string> = {
      Active: 'in_progress',
      'Awaiting User Info': 'waiting_customer',
      'Awaiting Problem': 'in_progress',
      'Awaiting Vendor': 'in_progress',
      Resolved: 'resolved',
      Closed: 'closed',
    };
    for (const ticket of whole.tickets as TicketRow[]) {
      const group = incidents().get(ticket.external_id)!;
      const last = group.at(-1)!;
      const history = histories.get(ticket.external_id)!;
      expect(history.map(({ occurred_at }) => occurred_at).sort()).toEqual(
        group.map(({ sys_updated_at }) => iso(sys_updated_at!)).sort(),
      );
      expect(ticket).toMatchObject({
        source: 'import',
        version: 1,
        created_at: iso(group[0]!.opened_at!),
        updated_at: iso(last.sys_updated_at!),
        status: statuses[last.incident_state!] ?? (last.assigned_to === '?' ? 'new' : 'assigned'),
        priority: priorities[last.priority![0] as unknown as 1],
        assignee: clean(last.assigned_to!),
        team: clean(last.assignment_group!),
        reopen_count: Number(last.reopen_count),
        // Its clocks ran in the other system, whose verdict stays; none runs here.
        sla_breached: last.made_sla === 'FALSE',
        sla_response_state: 'none',
        sla_resolution_state: 'none',
        sla_response_due: null,
        sla_resolution_due: null,
      });
      if (last.location !== '?') expect(ticket.customer).toBe(clean(last.location!));
      expect(ticket.closed_at !== null).toBe(last.incident_state === 'Closed');
      const waited = history.some(({ changes }) => changes.some(({ to }) => to === 'waiting_customer'));
      expect(waited).toBe(group.some(({ incident_state }) => incident_state === 'Awaiting User Info'));
    }
  });

  it('is what lists, statistics, search and the audit log tell', { timeout: 5 * MINUTES }, async () => {
    const { api } = platform;
    const total = async (path: string) =>
      (await api('GET', `${path}${path.includes('?') ? '&' : '?'}limit=1&count=exact`)).meta.total;
    const tickets = whole.tickets as TicketRow[];
    expect(await total('/api/v1/tickets')).toBe(tickets.length);
    for (const [status, list] of Map.groupBy(tickets, (ticket) => ticket.status)) {
      expect(await total(`/api/v1/tickets?status=${status}`)).toBe(list.length);
    }
    expect(await total('/api/v1/tickets?sla=breached')).toBe(
      tickets.filter(({ sla_breached }) => sla_breached).length,
    );
    expect(await total('/api/v1/customers')).toBe(whole.customers!.length);
    expect(await total('/api/v1/contacts')).toBe(whole.contacts!.length);
    expect(await total('/api/v1/teams')).toBe(whole.teams!.length);
    expect(await total('/api/v1/users')).toBe(whole.users!.length + 1);

    const found = async (query: string) => (await api('GET', `/api/v1/search?${query}&limit=1`)).meta.total;
    expect(await found('q=incident&types=ticket')).toBe(tickets.length);
    expect(await found('q=caller&types=contact')).toBe(whole.contacts!.length);
    for (const { external_id } of tickets.filter((_, i) => i % 60 === 0)) {
      const { data } = await api('GET', `/api/v1/search?q=${external_id}`);
      expect(data.map(({ summary }: { summary: object }) => summary)).toHaveLength(1);
      const { data: ticket } = await api('GET', `/api/v1/tickets/${data[0].id}`);
      expect(ticket).toMatchObject({ external_id });
      const { data: history } = await api('GET', `/api/v1/tickets/${data[0].id}/history?limit=100`);
      expect(history.map(({ occurred_at }: HistoryRow) => occurred_at.replace('.000Z', '+00:00'))).toEqual(
        (whole.history as HistoryRow[])
          .filter(({ ticket }) => ticket === external_id)
          .map(({ occurred_at }) => occurred_at)
          .sort(),
      );
    }

    const { data: stats } = await api('GET', '/api/v1/events/stats?hours=24');
    const counted = (type: string) =>
      stats.by_type.find((one: { type: string }) => one.type === type)?.count ?? 0;
    expect(counted('ticket.imported.v1')).toBe(tickets.length);
    expect(counted('user.created.v1')).toBe(whole.users!.length + 1);
    const { data: audit } = await api('GET', '/api/v1/audit/verify');
    expect(audit).toMatchObject({ intact: true });
    expect(audit.entries).toBeGreaterThanOrEqual(whole.audit!.length);
  });

  it('doubles nothing when it is imported again', { timeout: 10 * MINUTES }, async () => {
    expect(await importInto(platform)).toMatchObject(unchanged());
    expectSame(await importState(platform.sql), whole);
  });

  it(`gives the same when it is killed ${KILLS} times on the way and taken up again`, {
    timeout: 30 * MINUTES,
  }, async () => {
    const other = await startPlatform();
    try {
      // How far it is: people, customers and teams first, then the rows.
      const done = async () => {
        const [row] = await other.sql`
          select (select count(*) from crm.customers) + (select count(*) from crm.contacts)
            + (select count(*) from auth.users where external_id is not null)
            + (select count(*) from tickets.teams) + (select count(*) from tickets.history) as n`;
        return Number(row!.n);
      };
      const end = ['customers', 'contacts', 'users', 'teams', 'history']
        .map((name) => whole[name]!.length)
        .reduce((sum, n) => sum + n);
      const points = Array.from({ length: KILLS }, () => Math.random() * end * 0.9).sort((a, b) => a - b);
      for (const point of points) {
        const child = spawn(join(BIN, 'psactl'), [...argv(file), '--batch', '5'], {
          env: other.env,
          stdio: 'ignore',
        });
        const ended = once(child, 'exit');
        while (child.exitCode === null && (await done()) < point) await sleep(5);
        // Somewhere between two requests, within one, or while its answer is on the way.
        await sleep(Math.random() * 40);
        child.kill('SIGKILL');
        expect(await ended).toEqual([null, 'SIGKILL']);
      }
      expect(await importInto(other)).toMatchObject({
        taken: rows.length,
        refused: 0,
        tickets: whole.tickets!.length,
      });
      expectSame(await importState(other.sql), whole);
    } finally {
      await other.stop();
    }
  });

  it('doubles nothing when two machines import it at the same time', { timeout: 20 * MINUTES }, async () => {
    const other = await startPlatform();
    try {
      const homes = [join(dir.path, 'one'), join(dir.path, 'two')];
      const results = await Promise.all(homes.map((HOME) => importInto(other, ['--batch', '30'], { HOME })));
      const sum = (field: string) => results.reduce((total, result) => total + result[field], 0);
      expect(sum('tickets_created')).toBe(whole.tickets!.length);
      expect(sum('history_added')).toBe(rows.length);
      expectSame(await importState(other.sql), whole);
    } finally {
      await other.stop();
    }
  });

  it('stands beside the demo data and leaves them alone', { timeout: 10 * MINUTES }, async () => {
    const demo = await startPlatform({ demo: true });
    try {
      const others = async () =>
        demo.sql`select t.*, (select count(*) from tickets.history h where h.ticket_id = t.id) as rows
          from tickets.tickets t where external_source is distinct from 'servicenow-log' order by id`;
      // A deadline of the demo's tickets that passes meanwhile is not the import's doing.
      await demo.sql`update tickets.timers set due_at = due_at + interval '1 year'`;
      const before = await others();
      expect(before.length).toBeGreaterThan(20);
      expect(await importInto(demo)).toMatchObject({ tickets_created: whole.tickets!.length });
      const after = await importState(demo.sql);
      expect(after.tickets).toEqual(whole.tickets);
      expect(after.history).toEqual(whole.history);
      expect(await importInto(demo)).toMatchObject(unchanged());
      expectSame(await importState(demo.sql), after);
      expect(await others()).toEqual(before);
    } finally {
      await demo.stop();
    }
  });
});
