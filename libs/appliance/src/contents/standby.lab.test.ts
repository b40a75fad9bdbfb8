import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { expand } from '../inventory/expand.ts';
import { loadInventory } from '../inventory/load.ts';
import { warmText } from '../inventory/second-site.test-helper.ts';
import { inventoryOf } from '../inventory/site-inventory.ts';
import { REPOSITORY, STANZA } from '../parts/pgbackrest-settings.ts';
import {
  FEED_PORT,
  FEED_STATE,
  FOLLOW,
  FOLLOW_SECONDS,
  FOLLOW_STATE,
  FOLLOWS,
  WARM_ARCHIVE_SECONDS,
} from '../parts/standby-settings.ts';
import { asPostgres, type Cell, mustAsPostgres as must, wiredCells } from './cells.test-helper.ts';
import { contentsOf } from './contents.ts';
import type { Secrets } from './secret.ts';
import { newSecrets, secretNames } from './secrets.ts';

/** The way from one site to the other: nothing else leads there, and inside both have the same addresses. */
const WAY = { primary: '192.0.2.1', standby: '192.0.2.2' };

const loaded = loadInventory(warmText.replace('main.example.com:', `${WAY.primary}:`), 'warm.yaml');
if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
const whole = loaded.inventory;
for (const group of whole.containers) group.memory_mb = Math.min(group.memory_mb, 1024);
const secrets = newSecrets(secretNames(whole));

let closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});

async function until(what: string, check: () => boolean, logs: () => string, seconds = 120) {
  for (let turn = 0; turn < seconds * 2; turn++) {
    try {
      if (check()) return;
    } catch {}
    await sleep(500);
  }
  throw new Error(`Not so after a long time: ${what}\n${logs()}`);
}

/** So many members of the database and the repository of a site, as that site has them. */
async function raise(name: 'main' | 'dr', postgres: number, told: Secrets = {}) {
  const known = whole.sites.find((site) => site.name === name)!;
  const site = { ...known, members: { ...whole.sites[1]!.members, postgres } };
  const inventory = inventoryOf(whole, site);
  const containers = expand(inventory, site).filter(({ group }) => group === 'postgres' || group === 'ops');
  const machines = await wiredCells(containers);
  closing.push(machines.close);
  const ops = machines.cells[containers.findIndex((one) => one.group === 'ops')]!;
  const members = machines.cells.filter((cell) => cell !== ops);
  let db = members[0]!;
  const contents = (cell: Cell, more: Secrets = told) =>
    contentsOf(inventory, site, containers.find((one) => one.name === cell.name)!, { ...secrets, ...more });
  for (const cell of machines.cells) {
    cell.install(contents(cell));
    // Two VLANs on one wire, without the firewall between them.
    cell.sh('ip route add 10.0.0.0/16 dev eth0');
    cell.sh(
      `install -d -o postgres -g postgres ${REPOSITORY} /var/spool/pgbackrest ${FEED_STATE} ${FOLLOW_STATE}`,
    );
  }
  const start = async (cell: Cell) => {
    for (const { name: unit } of contents(cell).units)
      if (unit.endsWith('.service') && !unit.startsWith('prometheus-')) await cell.start(unit);
  };
  const says = (cell: Cell, path: string) => {
    const { address } = containers.find((one) => one.name === cell.name)!;
    const url = `http://${address}:8008${path}`;
    return ops.run(['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', url]).output === '200';
  };
  return {
    ...{ ops, members, as: asPostgres, must },
    get db() {
      return db;
    },
    start: () => Promise.all(machines.cells.map(start)),
    sql: (text: string) =>
      must(db, `psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -d psa_platform -c "${text}"`),
    says: (path: string) => says(db, path),
    /** Whether one member takes writes; from then on that one is asked. */
    hasPrimary() {
      const found = members.find((cell) => says(cell, '/primary'));
      db = found ?? db;
      return found !== undefined;
    },
    close: () => machines.close(),
    state: () =>
      Object.fromEntries(
        must(ops, `${FOLLOW} state`)
          .split('\n')
          .map((line) => [line.split(' ')[0]!, line.slice(line.indexOf(' ') + 1)]),
      ) as Record<string, string>,
    logs: () =>
      [ops, db]
        .flatMap((cell) =>
          contents(cell).units.map(({ name: unit }) => `== ${name} ${unit}\n${cell.log(unit).slice(-3_000)}`),
        )
        .join('\n'),
  };
}
type Side = Awaited<ReturnType<typeof raise>>;

/** The one cable between both: from the standby's repository to a port that leads to the primary's. */
function wire(main: Side, dr: Side): { cut(): void; mend(): void } {
  const ip = (...args: string[]) =>
    execFileSync('nsenter', ['-t', `${main.ops.pid}`, '--net', 'ip', ...args]);
  ip('link', 'add', 'way', 'type', 'veth', 'peer', 'name', 'way', 'netns', `${dr.ops.pid}`);
  main.ops.sh(`ip addr add ${WAY.primary}/24 dev way && ip link set way up`);
  dr.ops.sh(`ip addr add ${WAY.standby}/24 dev way && ip link set way up`);
  // As the edge does it.
  const own = main.ops.sh("ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'");
  main.ops.sh(
    `socat TCP-LISTEN:${FEED_PORT},bind=${WAY.primary},fork,reuseaddr TCP:${own}:${FEED_PORT} >/dev/null 2>&1 &`,
  );
  return {
    cut: () => void main.ops.sh('ip link set way down'),
    mend: () => void main.ops.sh('ip link set way up'),
  };
}

it('a standby site follows the repository of the primary, is no more behind than it says, and goes on alone', {
  timeout: 1_200_000,
}, async () => {
  const main = await raise('main', 3);
  const dr = await raise('dr', 1, { [FOLLOWS]: 'yes' });
  const logs = () => `${main.logs()}\n${dr.logs()}`;
  const way = wire(main, dr);
  await main.start();
  await until('the primary', () => main.hasPrimary(), logs);
  // It is there before there is anything to follow, and says so.
  await dr.start();
  await until(
    'it says what is missing',
    () => /There is no|no copy/.test(dr.state()['log.failing'] ?? dr.state()['copies.failing'] ?? ''),
    logs,
  );
  main.must(main.ops, `/usr/bin/pgbackrest --stanza=${STANZA} stanza-create`);
  main.sql('create table t (n int, at timestamptz default clock_timestamp())');
  main.must(main.ops, `/usr/bin/pgbackrest --stanza=${STANZA} --type=full --no-backup-standby backup`);
  await until('the standby has a leader', () => dr.says('/standby-leader'), logs, 240);
  expect(dr.says('/primary')).toBe(false);
  expect(dr.sql('select pg_is_in_recovery()')).toBe('t');

  // What is written on the one side is on the other one soon, though nobody switches pieces by hand.
  main.sql('insert into t values (1)');
  const began = Date.now();
  const promised = WARM_ARCHIVE_SECONDS + FOLLOW_SECONDS.log;
  await until('it is there', () => dr.sql('select count(*) from t') === '1', logs, promised + 30);
  const lag = (Date.now() - began) / 1000;
  console.log(`a row was at the standby after ${lag.toFixed(1)} s`);
  expect(lag).toBeLessThan(60);
  const told = () => main.must(main.ops, `cat ${FEED_STATE}/standby`);
  await until('the primary knows it', () => /role standby_leader\nreplayed_at [1-9]/.test(told()), logs);

  // Nothing that is here goes because it is gone there, and nothing is written over.
  const pieces = () => Number(dr.must(dr.ops, `find ${REPOSITORY}/archive -name '[0-9A-F]*-*' | wc -l`));
  const had = pieces();
  expect(had).toBeGreaterThan(1);
  const first = main.must(main.ops, `find ${REPOSITORY}/archive -name '000000010000000000000001-*'`);
  main.must(main.ops, `rm ${first}`);
  dr.must(dr.ops, `${FOLLOW} log once && ${FOLLOW} copies once`);
  expect(pieces()).toBeGreaterThanOrEqual(had);
  dr.must(dr.ops, `test -f ${first}`);
  main.must(main.ops, `echo another >${first}`);
  dr.must(dr.ops, `rm ${FOLLOW_STATE}/log.work/whole`);
  expect(dr.as(dr.ops, `${FOLLOW} log once`).output).toContain('is another one there than here');
  main.must(main.ops, `rm ${first}`);
  dr.must(dr.ops, `${FOLLOW} log once`);

  // The line is cut: it says so and since when, and goes on by itself.
  way.cut();
  await until(
    'it says that nobody answers',
    () => /does not answer/.test(dr.state()['log.failing'] ?? ''),
    logs,
  );
  main.sql('insert into t values (2)');
  way.mend();
  await until('it goes on', () => dr.sql('select count(*) from t') === '2', logs, 90);
  await until('and no longer says so', () => dr.state()['log.failing'] === undefined, logs);

  // Killed in the middle it has whole pieces alone.
  for (let n = 0; n < 5; n++) main.sql('insert into t values (3); select pg_switch_wal()');
  for (let ms = 50; ms < 500; ms += 90)
    dr.as(dr.ops, `timeout -s KILL 0.${String(ms).padStart(3, '0')} ${FOLLOW} log once`);
  await until('all of it is there', () => dr.sql('select count(*) from t') === '7', logs, 90);
  dr.must(dr.ops, `! find ${REPOSITORY} -type f -size 0 | grep .`);

  // Nobody gets in but to read the repository.
  const ask = (line: string) => dr.as(dr.ops, `ssh psa-feed ${line}`);
  expect(ask('id').output).toContain('not allowed here');
  expect(ask(`"pgbackrest --stanza=${STANZA} stanza-delete:remote"`).output).toContain('not allowed here');
  expect(
    dr.as(dr.ops, 'echo /etc/shadow ../../../etc/passwd | tr " " "\\n" | ssh psa-feed send | tar -t').output,
  ).toBe('');
  const stranger =
    '-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null';
  const refused = dr.as(dr.ops, `ssh ${stranger} -p ${FEED_PORT} postgres@${WAY.primary} infos`);
  expect(refused.output).toContain('Permission denied');

  // Another member of the primary site takes over: the standby goes on along the new timeline.
  main.db.close();
  await until(
    'another member leads',
    () => main.hasPrimary() && main.sql('select pg_is_in_recovery()') === 'f',
    logs,
  );
  main.sql('insert into t values (4)');
  await until('the standby has it', () => dr.sql('select count(*) from t') === '8', logs, 120);
  expect(dr.says('/standby-leader')).toBe(true);

  // The primary is lost with all it has, between two pieces: what was written since is lost, and not more than was promised.
  const lost: { n: number; at: number }[] = [];
  for (let n = 10; n < 60; n++) {
    main.sql(`insert into t values (${n})`);
    lost.push({ n, at: Date.now() });
    await sleep(1_500);
  }
  const died = Date.now();
  main.close();
  dr.must(
    dr.db,
    `echo '{"standby_cluster": null}' | patronictl -c /etc/patroni/config.yml edit-config --apply - --force`,
  );
  const promoting = Date.now();
  await until(
    'it takes writes',
    () => dr.says('/primary') && dr.sql('select pg_is_in_recovery()') === 'f',
    logs,
    60,
  );
  console.log(`it took writes ${((Date.now() - promoting) / 1000).toFixed(1)} s after it was told to`);
  const there = new Set(dr.sql('select n from t where n >= 10 order by 1').split('\n').map(Number));
  const gone = lost.filter(({ n }) => !there.has(n));
  console.log(`of ${lost.length} rows in ${(died - lost[0]!.at) / 1000} s ${gone.length} are lost`);
  expect(there.size).toBeGreaterThan(0);
  // From the first that is lost on all are: the log has no holes.
  expect(gone).toEqual(lost.slice(lost.length - gone.length));
  if (gone.length > 0) expect(died - gone[0]!.at).toBeLessThan(60_000);

  // Its log goes on in its own repository, on a timeline of its own; a copy of it restores.
  dr.sql('insert into t values (99)');
  dr.must(dr.ops, `/usr/bin/pgbackrest --stanza=${STANZA} --type=full --no-backup-standby backup`);
  expect(dr.must(dr.ops, `ls ${REPOSITORY}/archive/${STANZA}/15-1`)).toContain('00000003.history');
});
