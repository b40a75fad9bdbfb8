import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cell } from '@psa/appliance/contents/cells.test-helper';
import { repositoryCells } from '@psa/appliance/contents/repository-cells.test-helper';
import { REPOSITORY } from '@psa/appliance/parts/pgbackrest-settings';
import { afterEach, expect, it } from 'vitest';
import { cellSite } from '../cell-site.test-helper.ts';
import { silent } from '../scene/scene-site.test-helper.ts';
import { Cluster } from '../site/cluster.ts';
import { generationsOf } from '../site/generations.ts';
import { archiverState } from '../site/repository.ts';
import { watchWal } from '../watch/wal.ts';
import { verifyBase } from './pitr.ts';
import { runBackup } from './run-backup.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Room for a copy of an empty database and a few pieces of its log. */
const SMALL_MIB = 40;

it('a repository whose disk is full: the database goes on, the run says why, and nothing is missing once there is room', {
  timeout: 900_000,
}, async () => {
  const machines = await repositoryCells((ops) => {
    ops.sh(
      `mount -t tmpfs -o size=${SMALL_MIB}m,uid=$(id -u postgres),gid=$(id -g postgres) none ${REPOSITORY}`,
    );
  });
  closing.push(machines.close);
  const { ops, primaries, sql, until, backrest, rowsAt } = machines;
  const site = cellSite(machines);
  closing.push(site.close);
  // Anew for each command, as psactl has it: what one has read back is not read twice.
  const cluster = () => new Cluster(site, new AbortController().signal);
  const [generation] = generationsOf(site) as [ReturnType<typeof generationsOf>[number]];
  const folder = site.folder.file('backups');
  const run = async () => {
    const { parts, complete } = await runBackup(cluster(), {
      ...{ generation: { ...generation, folder }, recipients: [], only: ['pitr'] },
      ...{ site: 'psa/main', progress: silent, env: {} },
    });
    return { part: parts[0]!, complete };
  };
  const [primary] = primaries() as [Cell];
  sql(primary, 'create table t (n int); create table fill (b text)');
  const before = await run();
  expect(before).toMatchObject({ complete: true, part: { outcome: 'good' } });
  const [label] = (
    JSON.parse(backrest('--output=json info')) as { backup: { label: string }[] }[]
  )[0]!.backup.map((one) => one.label) as [string];
  const manifests = await readdir(folder);

  // Its log is more than there is room for. What is written meanwhile is committed, and counted afterwards.
  let rows = 0;
  const write = () => {
    sql(primary, `insert into t values (${rows})`);
    rows++;
    const random = Array(8).fill('md5(random()::text)').join(' || ');
    sql(primary, `insert into fill select ${random} from generate_series(1, 40000)`);
    sql(primary, 'select pg_switch_wal()');
  };
  for (let turn = 0; turn < 60 && (await archiverState(cluster()))?.failing == null; turn++) {
    write();
    await sleep(300);
  }
  const failing = (await archiverState(cluster()))!;
  expect(failing.failing).toMatch(/^[0-9A-F]{24}$/);
  const full = await run();
  expect(full).toMatchObject({ complete: false, part: { outcome: 'failed' } });
  expect(full.part.why).toMatch(/The disk is full: \d+ MiB are free in \/var\/lib\/pgbackrest of psa-ops-1/);
  expect(await readdir(folder)).toEqual(manifests);
  for (let turn = 0; turn < 3; turn++) write();
  const moment = sql(primary, 'select clock_timestamp()');
  const thenRows = rows;
  await sleep(50);
  write();
  expect(sql(primary, 'select count(*) from t')).toBe(String(rows));
  // Who watches is told: the log does not get there any more.
  const watched = (await watchWal(cluster()))!;
  expect(watched.lagBytes).toBeGreaterThan(failing.waiting_bytes);
  expect(watched.lastArchived?.wal).toBe(failing.last);

  ops.sh(`mount -o remount,size=1g ${REPOSITORY}`);
  const last = sql(primary, 'select pg_walfile_name(pg_switch_wal())');
  await until(
    'the log has caught up',
    () => sql(primary, 'select last_archived_wal from pg_stat_archiver') >= last,
  );
  expect(await archiverState(cluster())).toMatchObject({ failing: null });
  expect(await verifyBase(cluster(), label)).toBeNull();
  expect((await watchWal(cluster()))?.gap).toBe(false);
  expect(rowsAt('t', moment)).toBe(thenRows);
  expect(rowsAt('t', 'latest')).toBe(rows);
  expect(await run()).toMatchObject({ complete: true, part: { outcome: 'good' } });
});
