import { afterEach, expect, it } from 'vitest';
import { STANZA } from '../parts/pgbackrest-settings.ts';
import { PITR, PITR_FOLDER, PITR_TOO_LATE, pitrTime } from '../parts/pitr-script.ts';
import type { Cell } from './cells.test-helper.ts';
import { repositoryCells } from './repository-cells.test-helper.ts';

let close = () => {};
afterEach(() => close());

it('pgBackRest: members hand over their log, any second is restored, also across a failover, and members are made of it', {
  timeout: 900_000,
}, async () => {
  const machines = await repositoryCells();
  close = machines.close;
  const {
    inventory,
    ops,
    members,
    containers,
    addressOf,
    replaced,
    primaries,
    says,
    until,
    as,
    must,
    sql,
    backrest,
    rowsAt,
  } = machines;

  // The stanza is made by a unit that a timer starts; its command here, for there is no systemd.
  backrest('stanza-create');
  const [first] = primaries() as [Cell];
  sql(first, 'create table t (n int, at timestamptz default clock_timestamp())');
  backrest('--type=full --backup-standby backup');
  const info = () =>
    JSON.parse(backrest('--output=json info')) as {
      backup: { label: string; error: boolean; archive: { stop: string } }[];
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

  for (const number of [3, 9, 10, 17])
    expect([number, rowsAt('t', times[number]!)]).toEqual([number, number + 1]);
  expect(rowsAt('t', 'latest')).toBe(20);
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

  // A member that has lost its disk is made of the repository, goes on by the log there across the failover, and streams.
  const main = `/var/lib/postgresql/${inventory.data.postgres.version}/main`;
  const mark = `${main.slice(0, -4)}from-repository`;
  const made = (cell: Cell) => cell.log('patroni.service').match(/replica has been created using \w+/g);
  const streams = (cell: Cell, rows: number) =>
    says(cell, '/replica') &&
    sql(cell, 'select count(*) from t') === `${rows}` &&
    sql(cell, 'select count(*) from pg_stat_wal_receiver') === '1';
  let fresh = await replaced(first);
  await until('the new member streams', () => streams(fresh, 20));
  expect(made(fresh)).toEqual(['replica has been created using pgbackrest']);
  expect(fresh.log('patroni.service')).toContain('restored log file');
  await until('nobody asks the repository any more', () => fresh.run(['test', '-e', mark]).code === 1);

  // One that is made anew keeps what is whole of its data.
  const inode = () => fresh.sh(`stat -c %i ${main}/base/1/PG_VERSION`);
  const kept = inode();
  must(fresh, `patronictl -c /etc/patroni/config.yml reinit ${inventory.name} ${fresh.name} --force`);
  await until('it was made anew', () => made(fresh)?.length === 2);
  await write(second, 1);
  await until('it streams again', () => streams(fresh, 21));
  expect([made(fresh)!.at(-1), inode()]).toEqual(['replica has been created using pgbackrest', kept]);
  await until('it has all of the log', () => fresh.run(['test', '-e', mark]).code === 1);

  // Killed in the middle it goes on; whole, it is told once that this way led nowhere.
  const beside = main.replace('main', 'try');
  const leader = (host: string, more: string) =>
    `"host=${host} ${more} dbname=postgres passfile=/var/lib/postgresql/.patroni-pgpass"`;
  const create = `/usr/local/sbin/psa-postgres-create --datadir=${beside} --connstring=`;
  const primary = leader(addressOf(second), 'user=replicator');
  const wholeAt = ['0.2', '0.6', '1', '1.5', '2'].findIndex(
    (after) => as(fresh, `timeout -s KILL ${after} ${create}${primary}`).code === 0,
  );
  // On a quick machine one of them is whole before its time is over.
  expect(wholeAt).not.toBe(0);
  if (wholeAt === -1) must(fresh, `${create}${primary}`);
  must(fresh, `test -s ${beside}/backup_label && test ! -e ${beside}.new`);
  await until(
    'of those that were killed nobody is left',
    () => fresh.run(['pgrep', '-x', 'flock']).code === 1,
  );
  const refused = (to = primary) => {
    const { code, output } = as(fresh, `${create}${to}`);
    return [code, /Not from the repository: (.*)/.exec(output)?.[1] ?? output];
  };
  expect(refused()).toEqual([1, expect.stringContaining('did not find its way into the cluster')]);
  fresh.sh(`rm -rf ${beside} && test ! -e ${mark}`);

  // Nothing of another database, and nothing with a hole in its log.
  const bin = `/usr/lib/postgresql/${inventory.data.postgres.version}/bin`;
  must(fresh, `${bin}/initdb -A trust -D /tmp/other >/dev/null`);
  must(fresh, `${bin}/pg_ctl -w -D /tmp/other -o '-p 5544 -k /tmp' -l /tmp/other.log start >/dev/null`);
  expect(refused(leader('/tmp', 'port=5544 user=postgres'))).toEqual([1, 'it is that of another database.']);
  must(fresh, `${bin}/pg_ctl -D /tmp/other -m immediate stop >/dev/null`);
  const { stop } = info()[0]!.backup.at(-1)!.archive;
  const piece = must(ops, `ls -d /var/lib/pgbackrest/archive/${STANZA}/15-1/*/${stop}-*`);
  must(ops, `mv ${piece} /tmp/piece`);
  expect(refused()).toEqual([1, expect.stringContaining('a piece of the log is missing')]);
  must(ops, `mv /tmp/piece ${piece}`);

  // While the repository is away the primary is copied, and nobody waits for the repository to choose another primary.
  ops.sh("pkill -f '^(sshd:|/usr/sbin/sshd)'");
  fresh = await replaced(fresh);
  await until('it streams from a copy of the primary', () => streams(fresh, 21));
  expect(made(fresh)).toEqual(['replica has been created using basebackup']);
  expect(fresh.log('patroni.service')).toContain('Not from the repository: it does not answer');
  second.close();
  const began = Date.now();
  const rest = members.filter((cell) => cell !== second && cell !== first).concat(fresh);
  await until('a third primary takes writes', () =>
    rest.some(
      (cell) => says(cell, '/primary') && sql(cell, 'insert into t values (-1) returning n') === '-1',
    ),
  );
  const took = (Date.now() - began) / 1000;
  console.log(`with the repository away another member took writes after ${took.toFixed(1)} s`);
  expect(took).toBeLessThan(45);
});
