import { afterEach, expect, it } from 'vitest';
import { STANZA } from '../parts/pgbackrest-settings.ts';
import { PITR, PITR_FOLDER, PITR_TOO_LATE, pitrSocket, pitrTime } from '../parts/pitr-script.ts';
import type { Cell } from './cells.test-helper.ts';
import { repositoryCells } from './repository-cells.test-helper.ts';

let close = () => {};
afterEach(() => close());

it('pgBackRest: members hand over their log, a replica is copied, and any second is restored, also across a failover', {
  timeout: 600_000,
}, async () => {
  const machines = await repositoryCells();
  close = machines.close;
  const { ops, members, containers, primaries, says, until, as, must, sql, backrest } = machines;

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
  await until('another primary', () => left.some((cell) => says(cell, '/primary')));
  const second = left.find((cell) => says(cell, '/primary'))!;
  await until('it takes writes', () => sql(second, 'select pg_is_in_recovery()') === 'f');
  await write(second, 10);
  const last = sql(second, 'select pg_walfile_name(pg_switch_wal())');
  await until(
    'the last piece is in the repository',
    () => sql(second, 'select last_archived_wal from pg_stat_archiver') >= last,
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
