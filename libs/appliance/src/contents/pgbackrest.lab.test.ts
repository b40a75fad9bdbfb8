import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import { STANZA } from '../parts/pgbackrest-settings.ts';
import { PITR, PITR_FOLDER, PITR_TOO_LATE, pitrSocket, pitrTime } from '../parts/pitr-script.ts';
import { type Cell, wiredCells } from './cells.test-helper.ts';
import { contentsOf } from './contents.ts';
import { newSecrets, secretNames } from './secrets.ts';

const inventory = example();
for (const group of inventory.containers) group.memory_mb = Math.min(group.memory_mb, 1024);
const site = siteOf(inventory);
const secrets = newSecrets(secretNames(inventory));
const containers = expand(inventory, site).filter(({ group }) => group === 'postgres' || group === 'ops');

let close = () => {};
afterEach(() => close());

async function until(what: string, check: () => boolean, logs: () => string) {
  for (let turn = 0; turn < 240; turn++) {
    try {
      if (check()) return;
    } catch {}
    await sleep(500);
  }
  throw new Error(`Not so after a long time: ${what}\n${logs()}`);
}

it('pgBackRest: members hand over their log, a replica is copied, and any second is restored, also across a failover', {
  timeout: 600_000,
}, async () => {
  const machines = await wiredCells(containers);
  close = machines.close;
  const { cells } = machines;
  const ops = cells[containers.findIndex(({ group }) => group === 'ops')]!;
  const members = cells.filter((cell) => cell !== ops);
  const units = (cell: Cell) =>
    contentsOf(inventory, site, containers.find(({ name }) => name === cell.name)!, secrets).units;
  const logs = () =>
    cells
      .flatMap((cell) =>
        units(cell).map(({ name }) => `== ${cell.name} ${name}\n${cell.log(name).slice(-2_000)}`),
      )
      .join('\n');
  for (const cell of cells)
    cell.install(contentsOf(inventory, site, containers.find(({ name }) => name === cell.name)!, secrets));
  await Promise.all(
    cells.map(async (cell) => {
      // Two VLANs on one wire, without the firewall between them.
      cell.sh('ip route add 10.0.0.0/16 dev eth0');
      cell.sh('install -d -o postgres -g postgres /var/lib/pgbackrest /var/spool/pgbackrest');
      for (const { name } of units(cell))
        if (name.endsWith('.service') && !name.startsWith('prometheus-')) await cell.start(name);
    }),
  );
  const addressOf = (cell: Cell) => containers.find(({ name }) => name === cell.name)!.address;
  const says = (cell: Cell, path: string) =>
    ops.run([
      ...['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}'],
      `http://${addressOf(cell)}:8008${path}`,
    ]).output === '200';
  const primaries = () => members.filter((cell) => says(cell, '/primary'));
  await until('one primary', () => primaries().length === 1, logs);
  await until('two replicas', () => members.filter((cell) => says(cell, '/replica')).length === 2, logs);
  const as = (cell: Cell, line: string) =>
    cell.run(['su', 'postgres', '-s', '/bin/sh', '-c', `cd /; ${line}`]);
  const must = (cell: Cell, line: string) => {
    const { code, output } = as(cell, line);
    if (code !== 0) throw new Error(`${cell.name}: ${line} ended with ${code}: ${output}`);
    return output.trim();
  };
  const sql = (cell: Cell, text: string) =>
    must(cell, `psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -d psa_platform -c "${text}"`);
  // As units call it: it asks for itself on the other side as it was called here.
  const backrest = (command: string) => must(ops, `/usr/bin/pgbackrest --stanza=${STANZA} ${command}`);

  // The stanza is made by a unit that a timer starts; its command here, for there is no systemd.
  backrest('stanza-create');
  const [first] = primaries() as [Cell];
  sql(first, 'create table t (n int, at timestamptz default clock_timestamp())');
  backrest('--type=full --backup-standby backup');
  const info = () =>
    JSON.parse(backrest('--output=json info')) as {
      backup: { label: string; error: boolean }[];
      status: { code: number };
    }[];
  expect(info()[0]).toMatchObject({ status: { code: 0 }, backup: [{ error: false }] });

  // Each number at a known time, before and after another member takes over.
  const times: string[] = [];
  const write = async (cell: Cell, count: number) => {
    for (let turn = 0; turn < count; turn++) {
      sql(cell, `insert into t values (${times.length})`);
      times.push(sql(cell, 'select clock_timestamp()'));
    }
  };
  await write(first, 10);
  first.close();
  const left = members.filter((cell) => cell !== first);
  await until('another primary', () => left.some((cell) => says(cell, '/primary')), logs);
  const second = left.find((cell) => says(cell, '/primary'))!;
  await until('it takes writes', () => sql(second, 'select pg_is_in_recovery()') === 'f', logs);
  await write(second, 10);
  const last = sql(second, 'select pg_walfile_name(pg_switch_wal())');
  await until(
    'the last piece is in the repository',
    () => sql(second, 'select last_archived_wal from pg_stat_archiver') >= last,
    logs,
  );

  const seenAt = (time: string) => {
    const started = ops.run([PITR, 'start', 'look', time]);
    if (started.code !== 0) throw new Error(started.output);
    const found = must(
      ops,
      `psql -X -q -A -t -h ${pitrSocket('look')} -d psa_platform -c 'select count(*) from t'`,
    );
    ops.sh(`${PITR} stop look`);
    return Number(found);
  };
  for (const number of [3, 9, 10, 17]) expect([number, seenAt(times[number]!)]).toEqual([number, number + 1]);
  expect(seenAt('latest')).toBe(20);
  const late = ops.run([PITR, 'start', 'look', pitrTime(new Date(Date.now() + 3_600_000))]);
  expect([late.code, late.output]).toEqual([
    PITR_TOO_LATE,
    expect.stringContaining('The log in the repository ends before'),
  ]);
  expect(ops.run([PITR, 'start', 'look', 'latest']).output).toContain('psa-pitr stop look');
  ops.sh(`${PITR} stop look && ${PITR} stop look && test ! -e ${PITR_FOLDER}/look`);
  expect(ops.run([PITR, 'stop', '../x']).code).toBe(2);

  // Nobody else gets in, and nothing else is run.
  const own = containers.find(({ group }) => group === 'ops')!.address;
  const asked = as(second, `ssh ${own} id`);
  expect(asked.code).not.toBe(0);
  expect(asked.output).toContain('not allowed here');
  expect(as(second, `ssh ${own} pgbackrest --stanza=${STANZA} stanza-delete:remote`).output).toContain(
    'not allowed here',
  );
  expect(
    second.run(['ssh', '-p', '8432', '-o', 'StrictHostKeyChecking=no', `postgres@${own}`, 'id']).code,
  ).not.toBe(0);
});
