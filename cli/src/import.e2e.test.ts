import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS, type Fields, generatedLog, logFile } from './import/log-file.test-helper.ts';
import { BIN, type RunningPlatform, startPlatform } from './platform.test-helper.ts';
import { runCli } from './run-cli.test-helper.ts';

/** A real event log, kept beside the repository where there is one. */
const REAL = join(import.meta.dirname, '../../../shared/data/incidents/incident_event_log.csv');
const KILLS = 20;
const MINUTES = 60_000;

let dir: TempDir;
let file: string;
let rows: Fields[];
beforeAll(async () => {
  dir = await tempDir('psactl-import-e2e');
  file = existsSync(REAL) ? REAL : join(dir.path, 'log.csv');
  if (file !== REAL) {
    console.log(`${REAL} is not there: the import is tested with a generated log.`);
    await writeFile(file, logFile(generatedLog(300)));
  }
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
  return `${y}-${m}-${d}T${clock}:00.000Z`;
};

const argv = (path: string) => ['import', 'tickets', path, '--format', 'servicenow-log', '--json'];
async function importInto(platform: RunningPlatform, more: string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli([...argv(file), ...more], { ...platform.env, ...env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

interface Told {
  external_id: string;
  history: { occurred_at: string; actor: unknown; kind: string; changes: unknown }[];
  [field: string]: unknown;
}

/** Every ticket with its history and with names for ids: what must be the same however the import went. */
async function everything({ api }: RunningPlatform): Promise<Told[]> {
  const all: Told[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await api(
      'GET',
      `/api/v1/tickets?limit=100&count=none&include=customer,contact,assignee,team&sort=created_at&order=asc${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    for (const { id } of page.data) {
      const { data: ticket } = await api(
        'GET',
        `/api/v1/tickets/${id}?include=customer,contact,assignee,team`,
      );
      const { data: history } = await api('GET', `/api/v1/tickets/${id}/history`);
      all.push({ ...named(ticket), history: history.map(named).sort(byTime) });
    }
    cursor = page.meta.next_cursor ?? null;
  }
  return all.sort((a, b) => a.external_id.localeCompare(b.external_id));
}

/** Ids and numbers are given out by the platform and differ from run to run. */
function named(value: Record<string, unknown>): Told {
  const name = (ref: unknown) => (ref as { name: string } | null)?.name ?? null;
  const refs = Object.fromEntries(
    ['customer', 'contact', 'assignee', 'team'].flatMap((key) =>
      key in value ? [[key, name(value[key])]] : [],
    ),
  );
  const rest = Object.entries(value).filter(
    ([key]) =>
      !/^id$|_id$|^ticket_number$|^assigned_to$|^allowed_transitions$/.test(key) || key === 'external_id',
  );
  return { ...Object.fromEntries(rest), ...refs } as Told;
}
const byTime = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

describe('an event log', () => {
  let platform: RunningPlatform;
  let once_: Told[];
  let tookMs = 0;
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
  });

  it('stands in the platform as it stood in the file: every row at its time', {
    timeout: 10 * MINUTES,
  }, async () => {
    once_ = await everything(platform);
    const groups = Map.groupBy(rows, ({ number }) => number!);
    expect(once_.map(({ external_id }) => external_id)).toEqual([...groups.keys()].sort());
    const priorities = { 1: 'critical', 2: 'high', 3: 'medium', 4: 'low' };
    for (const ticket of once_) {
      const group = groups.get(ticket.external_id)!;
      const last = group.at(-1)!;
      expect(ticket.history.map(({ occurred_at }) => occurred_at).sort()).toEqual(
        group.map(({ sys_updated_at }) => iso(sys_updated_at!)).sort(),
      );
      expect(ticket).toMatchObject({
        source: 'import',
        created_at: iso(group[0]!.opened_at!),
        updated_at: iso(last.sys_updated_at!),
        priority: priorities[last.priority![0] as unknown as 1],
        assignee: clean(last.assigned_to!),
        team: clean(last.assignment_group!),
        sla_breached: last.made_sla === 'FALSE',
        reopen_count: Number(last.reopen_count),
      });
      if (last.incident_state === 'Closed') expect(ticket.status).toBe('closed');
      if (last.location !== '?') expect(ticket.customer).toBe(clean(last.location!));
      const waited = group.some(({ incident_state }) => incident_state === 'Awaiting User Info');
      expect(JSON.stringify(ticket.history).includes('"waiting_customer"')).toBe(waited);
    }
  });

  it('doubles nothing when it is imported again', { timeout: 10 * MINUTES }, async () => {
    const began = performance.now();
    const result = await importInto(platform);
    tookMs = performance.now() - began;
    expect(result).toMatchObject({
      taken: rows.length,
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
    expect(await everything(platform)).toEqual(once_);
  });

  it(`gives the same when it is killed ${KILLS} times on the way and taken up again`, {
    timeout: 30 * MINUTES,
  }, async () => {
    const other = await startPlatform();
    try {
      let killed = 0;
      for (let i = 0; i < KILLS; i++) {
        const child = spawn(join(BIN, 'psactl'), [...argv(file), '--batch', '20'], {
          env: other.env,
          stdio: 'ignore',
        });
        const timer = setTimeout(() => child.kill('SIGKILL'), 200 + Math.random() * tookMs);
        const [, signal] = await once(child, 'exit');
        clearTimeout(timer);
        if (signal === 'SIGKILL') killed++;
      }
      expect(killed).toBeGreaterThanOrEqual(KILLS / 2);
      expect(await importInto(other)).toMatchObject({
        taken: rows.length,
        refused: 0,
        tickets: once_.length,
      });
      expect(await everything(other)).toEqual(once_);
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
      expect(sum('tickets_created')).toBe(once_.length);
      expect(sum('history_added')).toBe(rows.length);
      expect(await everything(other)).toEqual(once_);
    } finally {
      await other.stop();
    }
  });
});

describe('the examples in the help', () => {
  let platform: RunningPlatform;
  beforeAll(async () => {
    platform = await startPlatform();
    await writeFile(join(dir.path, 'incident_event_log.csv'), logFile(generatedLog(8)));
    await platform.api('POST', '/api/v1/customers', { name: 'Muster GmbH' });
    await platform.api('POST', '/api/v1/users', {
      email: 'technician@demo.example',
      name: 'Tech',
      role: 'technician_l1',
      password: platform.env.PSA_PASSWORD,
    });
  });
  afterAll(() => platform?.stop());

  it('run, all of them, in a shell', { timeout: 10 * MINUTES }, async () => {
    const { COMMANDS } = await import('./registry.ts');
    const run = promisify(execFile);
    for (const { load } of COMMANDS) {
      for (const example of (await load()).examples) {
        const { stdout } = await run('bash', ['-c', example.run], { cwd: dir.path, env: platform.env }).catch(
          (error) => {
            throw new Error(`${example.run}\n${error.stdout}${error.stderr}`);
          },
        );
        expect(stdout, example.run).not.toBe('');
        if (example.run.includes('--json'))
          expect(JSON.parse(stdout), example.run).toMatchObject({ psactl: 1, ok: true });
      }
    }
  });
});
