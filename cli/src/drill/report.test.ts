import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillRecord, DrillResult } from '@psa/recovery/drill';
import { compare } from '@psa/recovery/proof';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { runCli } from '../run-cli.test-helper.ts';
import { judge } from './container.ts';
import { reasonOf } from './journal.ts';
import { readAnswers } from './portal.ts';
import { compareDefinitions } from './rabbitmq.ts';
import { drillHtml } from './report-html.ts';

const ID = '20261130T040000Z-3f9a2c';
const RUN = '20261130T020000Z-3f9a2c';
const result = (
  item: string,
  outcome: DrillResult['outcome'],
  more: Partial<DrillResult> = {},
): DrillResult => ({
  ...{
    id: `${item}-${RUN}`,
    series: item,
    item,
    name: item,
    backed_up_at: '2026-11-30T02:00:00.000Z',
    outcome,
  },
  ...{
    why: outcome === 'passed' ? null : 'it is <cut> off',
    restore_ms: outcome === 'passed' ? 61_000 : null,
  },
  ...{
    duration_ms: 90_000,
    compared: [compare('rows of "a" & b', 3, outcome === 'passed' ? 3 : 2)],
    notes: [],
  },
  ...more,
});
const record = (
  results: readonly DrillResult[],
  ended: string | null = '2026-11-30T04:03:00.000Z',
): DrillRecord => ({
  ...{
    drill: 1,
    id: ID,
    site: 'psa/main',
    began: '2026-11-30T04:00:00.000Z',
    ended,
    what: ['database'],
    ids: [900],
  },
  steps: [
    { of: null, step: 'begin', at: '2026-11-30T04:00:00.000Z', duration_ms: 5, why: null },
    {
      of: `database-${RUN}`,
      step: 'load the dump',
      at: '2026-11-30T04:01:30.000Z',
      duration_ms: 90_000,
      why: 'no',
    },
  ],
  ...{ results, left_out: [{ what: 'psa-redis-2', why: "another one's turn" }] },
  targets: { database: 1, redis: 60, cluster: 120 },
  series: [
    {
      ...{
        series: 'database',
        newest: { id: `database-${RUN}`, at: '2026-11-30T02:00:00.000Z' },
        failed: [],
      },
      proven: {
        id: `database-${RUN}`,
        at: '2026-11-30T02:00:00.000Z',
        proven_at: '2026-11-30T04:03:00.000Z',
      },
    },
    { series: 'redis', newest: null, proven: null, failed: [] },
  ],
});
const NOW = Date.parse('2026-12-03T04:03:00.000Z');

describe('the page of a drill', () => {
  it('has everything in it and asks nobody for anything, whatever stands in names', () => {
    const page = drillHtml(record([result('database', 'failed'), result('redis', 'passed')]), false, NOW);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|<script|https?:/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('it is &#60;cut&#62; off');
    expect(page).not.toContain('<cut>');
    expect(page).toContain('rows of &#34;a&#34; &#38; b');
    // Half of the drill had gone when the step began, and it took the other half.
    expect(page).toContain('left:50.00%;width:50.00%');
    expect(page).toContain('DIFFERS');
    expect(page).toContain('proven 3 d ago: the newest');
    expect(page).toContain('unproven: never restored');
  });

  it('is there for a drill without a step, and folds what is many and the same', () => {
    const empty = { ...record([]), steps: [], series: [], left_out: [] };
    expect(drillHtml(empty, false, NOW)).toContain('No step.');
    const many = Array.from({ length: 100 }, (_, n) => compare(`rows of t${n}`, n, n));
    const page = drillHtml(record([result('database', 'passed', { compared: many })]), false, NOW);
    expect(page).toContain('<summary>88 more, all the same</summary>');
    expect(page).toContain('MISSED');
  });
});

describe('psactl drill report', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('drill-report');
    const inventory = new URL('../../../appliance.yaml', import.meta.url);
    await writeFile(join(dir.path, 'appliance.yaml'), await readFile(inventory));
    await mkdir(join(dir.path, '.psactl/main/drills'), { recursive: true });
  });
  afterEach(() => dir.remove());
  const psactl = (...argv: string[]) =>
    runCli(['drill', 'report', ...argv], { HOME: dir.path }, { cwd: dir.path });
  const put = (one: DrillRecord | string, id = ID) =>
    writeFile(
      join(dir.path, `.psactl/main/drills/${id}.json`),
      typeof one === 'string' ? one : JSON.stringify({ ...one, id }),
    );

  it('ends as the drill did, and needs no cluster', async () => {
    expect(await psactl()).toMatchObject({ code: 10, stderr: expect.stringContaining('psactl drill run') });
    await put(record([result('database', 'passed'), result('redis', 'passed')]));
    const good = await psactl();
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/passed: everything that was tried restored/);
    expect(good.stdout).toMatch(/database +1 min 1 s +target 1 min +MISSED/);
    expect(good.stdout).toMatch(/Redis +1 min 1 s +target 60 min +met/);
    await put(record([result('redis', 'untried')]), '20261201T040000Z-3f9a2c');
    expect((await psactl()).code).toBe(3);
    await put(record([result('database', 'passed')], null), '20261202T040000Z-3f9a2c');
    const cut = await psactl('--json');
    expect(cut.code).toBe(1);
    expect(JSON.parse(cut.stdout).data).toMatchObject({ outcome: 'cut short', ended: null });
    expect((await psactl()).stdout).toContain('The last that it did: database-');
    expect((await psactl(ID)).code).toBe(0);
  });

  it('says when a report is damaged, and writes the page whole', async () => {
    await put('{"drill":1');
    expect(await psactl()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Unable to read the report'),
    });
    await put(record([result('database', 'passed')]));
    expect((await psactl('--html', 'drill.html', '--dry-run')).code).toBe(0);
    expect(await readdir(dir.path)).not.toContain('drill.html');
    expect((await psactl('--html', 'drill.html')).code).toBe(0);
    expect(await readFile(join(dir.path, 'drill.html'), 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  });
});

describe('a sign-in by the restored portal', () => {
  const wrong = (said: string) =>
    readAnswers(said)
      .filter(({ same }) => !same)
      .map(({ what, found }) => [what, found]);

  it('is good when the page, the sign-in and the list of tickets are', () => {
    expect(wrong('page 200\nlogin 200\ntickets 200\ntotal 127\n')).toEqual([]);
    expect(wrong('page 200\nlogin 401\ntickets 401\ntotal \n')).toEqual([
      ['sign-in by the restored portal', '401'],
      ['list of tickets for who has signed in', '401'],
    ]);
    expect(wrong('')).toHaveLength(3);
  });
});

describe('why something failed', () => {
  it('names the artefact and not where it stands on this machine', () => {
    const error = new CliError(`/mnt/nas/psa/database-${RUN}.sql.zst does not restore: it is cut off.`, {
      why: `/a/b/container-300-${RUN}.vzdump.json\nand /etc/x`,
    });
    expect(reasonOf(error)).toBe(
      `database-${RUN}.sql.zst does not restore: it is cut off. container-300-${RUN}.vzdump.json and /etc/x`,
    );
  });
});

describe('what a restored container says of itself', () => {
  const inside = {
    ...{ digest: 'a'.repeat(64), changed: [], missing: [], units: { 'psa@crm.service': 'active' } },
    ...{ current: '0.1.0', installed: ['0.1.0'], running: '0.1.0', unready: 'database: away', free: 1 },
  };
  const services = [{ name: 'crm' }];
  const wrong = (more: object, group = 'crm') =>
    judge({ group }, { inside: { ...inside, ...more }, probe: '' }, services)
      .compared.filter(({ same }) => !same)
      .map(({ what }) => what);

  it('must be what psactl had put there, and may wait for others', () => {
    expect(wrong({})).toEqual([]);
    expect(wrong({ units: { 'etcd.service': 'activating' }, running: null }, 'postgres')).toEqual([]);
    expect(wrong({ units: { 'etcd.service': 'failed' } }, 'postgres')).toEqual(['units that failed']);
    expect(wrong({ changed: ['/etc/x'] })).toEqual(['files that differ from what psactl had put there']);
    expect(wrong({ digest: null })).toEqual(['configuration']);
    expect(wrong({ running: null })).toEqual(['release that answers']);
    expect(wrong({ running: '0.0.9' })).toEqual(['release that answers']);
    expect(wrong({ current: null, running: null })).toEqual(['release that answers']);
  });
});

describe('definitions of RabbitMQ that were imported', () => {
  it('are those of the backup, whatever a new broker has of its own', () => {
    const wanted = { users: [{ name: 'psa' }], queues: [{ name: 'q', vhost: '/' }] };
    const own = { users: [{ name: 'guest' }, { name: 'psa' }], queues: [{ name: 'q', vhost: '/' }] };
    expect(compareDefinitions(wanted, own).every(({ same }) => same)).toBe(true);
    const other = { ...own, queues: [{ name: 'q', vhost: 'other' }] };
    expect(compareDefinitions(wanted, other).filter(({ same }) => !same)).toEqual([compare('queues', 1, 0)]);
  });
});
