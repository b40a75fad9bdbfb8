import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import { rabbitmq } from '../parts/rabbitmq.ts';
import { type Cell, wiredCells } from './cells.test-helper.ts';
import { contentsOf } from './contents.ts';
import { newSecrets, secretNames } from './secrets.ts';

/** Each data part with the real programs and its files as psactl installs them, three machines on one wire. */
const inventory = example();
const site = siteOf(inventory);
const secrets = newSecrets(secretNames(inventory));
for (const group of inventory.containers) group.memory_mb = Math.min(group.memory_mb, 1024);
const containersOf = (group: string) => expand(inventory, site).filter((one) => one.group === group);

/** Three machines' worth of databases start on one. */
const PATIENCE_MS = 600_000;

let close = () => {};
afterEach(() => close());

/** The machines of a part, installed and with their units started, all at about the same time. */
async function machinesOf(group: string) {
  const containers = containersOf(group);
  const machines = await wiredCells(containers);
  close = machines.close;
  const contents = containers.map((one) => contentsOf(inventory, site, one, secrets));
  const install = (index: number) => machines.cells[index]!.install(contents[index]!);
  const set = async (index: number) => {
    const cell = machines.cells[index]!;
    install(index);
    for (const unit of contents[index]!.units) {
      if (unit.name.endsWith('.service') && !unit.name.startsWith('prometheus-')) await cell.start(unit.name);
    }
  };
  return { ...machines, containers, units: contents[0]!.units.map((one) => one.name), install, set };
}

async function until(what: string, check: () => boolean, cells: readonly Cell[], units: readonly string[]) {
  for (let turn = 0; turn < 300; turn++) {
    try {
      if (check()) return;
    } catch {}
    await sleep(500);
  }
  const logs = cells.flatMap((cell) =>
    units.map((unit) => `== ${cell.name} ${unit}\n${cell.log(unit).slice(-1500)}`),
  );
  throw new Error(`Not so after a long time: ${what}\n${logs.join('\n')}`);
}

it('PostgreSQL: one primary, a synchronous replica, services and migrations through PgBouncer; a lost disk is made anew', {
  timeout: PATIENCE_MS,
}, async () => {
  const { cells, units, set, replace } = await machinesOf('postgres');
  await Promise.all([0, 1, 2].map(set));
  const addresses = containersOf('postgres').map((one) => one.address);
  const role = (address: string) =>
    cells[0]!.run(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://${address}:8008/primary`])
      .output;
  const sync = (address: string) =>
    cells[0]!.run(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://${address}:8008/sync`])
      .output;
  const primaries = () => addresses.filter((address) => role(address) === '200');
  await until('one primary', () => primaries().length === 1, cells, units);
  await until(
    'a synchronous replica',
    () => addresses.some((address) => sync(address) === '200'),
    cells,
    units,
  );
  const [primary] = primaries() as [string];
  const psql = (user: string, database: string, sql: string, address = primary) => {
    const password = user === 'postgres' ? secrets.postgres_superuser : secrets.postgres_roles;
    const url = `postgres://${user}:${password}@${address}:6432/${database}`;
    return cells[0]!.run(['psql', '-X', '-At', '-v', 'ON_ERROR_STOP=1', '-c', sql, url]);
  };
  const admin = psql('postgres', 'psa_platform_admin', 'select 1');
  expect(admin, admin.output).toMatchObject({ code: 0, output: '1\n' });
  const made = psql(
    'postgres',
    'psa_platform_admin',
    `create role psa_tickets login password '${secrets.postgres_roles}'; create table t (n int); grant all on t to psa_tickets`,
  );
  expect(made.code, made.output).toBe(0);
  const inserted = psql('psa_tickets', 'psa_platform', 'insert into t values (42)');
  expect(inserted.code, inserted.output).toBe(0);
  for (const address of addresses)
    await until(
      `${address} has it`,
      () => psql('psa_tickets', 'psa_platform', 'select n from t', address).output === '42\n',
      cells,
      units,
    );
  // A stranger gets nothing.
  const wrong = cells[0]!.run([
    'psql',
    '-c',
    'select 1',
    `postgres://psa_tickets:wrong@${primary}:6432/psa_platform`,
  ]);
  expect(wrong.code).not.toBe(0);

  // The primary's machine is lost with its disk: another takes over, a new machine joins in its place.
  const lost = addresses.indexOf(primary);
  cells[lost]!.close();
  const witness = cells[(lost + 1) % 3]!;
  const asks = (address: string, path: string) =>
    witness.run([
      'curl',
      '-s',
      '-m',
      '2',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `http://${address}:8008${path}`,
    ]).output;
  const began = Date.now();
  await until(
    'another primary',
    () => addresses.some((address) => address !== primary && asks(address, '/primary') === '200'),
    cells.filter((_, index) => index !== lost),
    units,
  );
  console.log(`another primary after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  await replace(lost);
  await set(lost);
  await until('the new machine follows', () => asks(primary, '/replica') === '200', cells, units);
  const members = witness.sh('etcdctl member list 2>/dev/null | grep -c started');
  expect(members).toBe('3');

  // The primary comes back out of a backup of its machine: what it has is nobody's history, and it is made anew.
  const at = addresses.findIndex((address) => asks(address, '/primary') === '200');
  const cell = cells[at]!;
  const data = '/var/lib/postgresql/15/main';
  cell.sh('su postgres -s /bin/sh -c /usr/local/sbin/psa-postgres-wake');
  cell.sh(`cp -a ${data} /root/archive; pkill -9 -x patroni; pkill -9 -x postgres; sleep 1`);
  await until('yet another', () => addresses.some((one) => asks(one, '/primary') === '200'), cells, units);
  const now = addresses.find((address) => asks(address, '/primary') === '200')!;
  expect(now).not.toBe(addresses[at]);
  cell.sh(`rm -rf ${data} && cp -a /root/archive ${data}`);
  await cell.start('patroni.service');
  expect(cell.log('patroni.service')).toContain('came out of a backup: making this member anew');
  const streaming = "select count(*) from pg_stat_replication where state = 'streaming'";
  await until(
    'all follow',
    () => psql('postgres', 'psa_platform_admin', streaming, now).output === '2\n',
    cells,
    units,
  );
});

it('etcd: a member whose data came out of a backup joins the others anew, and does not claim what it no longer has', {
  timeout: PATIENCE_MS,
}, async () => {
  const { cells, units, install } = await machinesOf('postgres');
  [0, 1, 2].forEach(install);
  await Promise.all(cells.map((cell) => cell.start('etcd.service')));
  const ctl = (cell: Cell, line: string) => cell.sh(`ETCDCTL_API=3 etcdctl --command-timeout=2s ${line}`);
  const isWell = () => cells.every((cell) => ctl(cell, 'endpoint health 2>&1').includes('is healthy'));
  await until('three of them', isWell, cells, units);
  const leader = (cell: Cell) => ctl(cell, 'endpoint status -w fields | grep -E \'"(MemberID|Leader)"\'');
  const follower = cells.find((cell) => new Set(leader(cell).match(/\d+/g)).size === 2)!;
  const idOf = (cell: Cell) => /"MemberID" : (\d+)/.exec(leader(cell))![1];
  const before = idOf(follower);
  const write = (count: number) =>
    ctl(follower, `get x >/dev/null; for n in $(seq ${count}); do etcdctl put x $n >/dev/null; done`);

  const stop = () => follower.sh('pkill -x etcd; while pgrep -x etcd >/dev/null; do sleep 0.1; done');

  // Restarted with its own data it is who it was.
  stop();
  await follower.start('etcd.service');
  await until('it is back', isWell, cells, units);
  expect(idOf(follower)).toBe(before);

  stop();
  follower.sh('cp -a /var/lib/etcd/psa /root/archive');
  await follower.start('etcd.service');
  await until('it is back', isWell, cells, units);
  write(200);
  stop();
  follower.sh('rm -rf /var/lib/etcd/psa && cp -a /root/archive /var/lib/etcd/psa');
  await follower.start('etcd.service');
  await until('it is back out of its archive', isWell, cells, units);
  expect(ctl(follower, 'get x --print-value-only')).toBe('200');
  expect(idOf(follower)).not.toBe(before);
  expect(ctl(follower, 'member list').split('\n')).toHaveLength(3);
});

it('RabbitMQ: one cluster of three; a lost disk is made anew and takes its share of the queues', {
  timeout: PATIENCE_MS,
}, async () => {
  const { cells, units, set, replace } = await machinesOf('rabbitmq');
  const ctl = (cell: Cell, tool: string, ...args: string[]) =>
    cell.run(['su', 'rabbitmq', '-s', '/bin/sh', '-c', `${tool} -q ${args.join(' ')} --formatter json`])
      .output;
  const running = (cell: Cell) =>
    (JSON.parse(ctl(cell, 'rabbitmqctl', 'cluster_status')) as { running_nodes: string[] }).running_nodes
      .length;
  await Promise.all([0, 1, 2].map(set));
  await until('three of them', () => running(cells[0]!) === 3, cells, units);
  const amqp = `curl -s -u psa:${secrets.rabbitmq_user} -H content-type:application/json http://127.0.0.1:15672/api`;
  const queue = '{"durable":true,"arguments":{"x-queue-type":"quorum"}}';
  const make = ['sh', '-c', `${amqp}/queues/%2F/q -X PUT -f -d '${queue}'`];
  await until('the API makes a queue', () => cells[1]!.run(make).code === 0, cells, units);
  const members = (cell: Cell) =>
    (JSON.parse(cell.sh(`${amqp}/queues/%2F/q`)) as { members: string[] }).members.length;
  await until('a queue on three', () => members(cells[1]!) === 3, cells, units);

  // What is left of a queue without its record goes, by the program as the timer runs it.
  const asBroker = (cell: Cell, command: string) =>
    cell.sh(`su rabbitmq -s /bin/sh -c '${command}'`).split('\n').at(-1);
  cells[0]!.sh(
    `rabbitmqctl -q eval 'rabbit_amqqueue:internal_delete(rabbit_misc:r(<<"/">>,queue,<<"q">>),<<>>).'`,
  );
  for (const cell of cells) cell.sh('install -d -o rabbitmq /run/psa-rabbitmq-orphans');
  const look = () => asBroker(cells[0]!, 'PSA_PAUSE=0 /usr/local/sbin/psa-rabbitmq-orphans');
  expect([look(), look()]).toEqual(['', expect.stringContaining('nobody can declare it: q')]);
  expect(cells[0]!.sh(rabbitmq.probe())).toContain('orphan q');
  expect(cells[1]!.run(make).code).not.toBe(0);
  expect(look()).toContain('Removed the Raft server without a record of queue q');
  expect(cells[1]!.run(make).code).toBe(0);
  await until('a new queue on three', () => members(cells[1]!) === 3, cells, units);

  cells[0]!.close();
  await until('two are left', () => running(cells[1]!) === 2, cells.slice(1), units);
  await replace(0);
  await set(0);
  await until('three again', () => running(cells[1]!) === 3, cells, units);
  await until('the queue on three again', () => members(cells[1]!) === 3, cells, units);
});

it('Redis: Sentinels choose another master, and a machine that comes back follows it', {
  timeout: PATIENCE_MS,
}, async () => {
  const { cells, units, set, replace } = await machinesOf('redis');
  await Promise.all([0, 1, 2].map(set));
  const addresses = containersOf('redis').map((one) => one.address);
  const redis = (cell: Cell, ...args: string[]) =>
    cell.run(['redis-cli', '--no-auth-warning', '-a', secrets.redis!, ...args]).output;
  const master = (cell: Cell) =>
    cell
      .run(['redis-cli', '-p', '26379', '--raw', 'sentinel', 'get-master-addr-by-name', 'psa'])
      .output.split('\n')[0];
  const replicas = (cell: Cell) => /connected_slaves:(\d)/.exec(redis(cell, 'info', 'replication'))?.[1];
  await until('two replicas', () => replicas(cells[0]!) === '2', cells, units);
  await until(
    'three Sentinels',
    () => /sentinels=3/.test(cells[0]!.run(['redis-cli', '-p', '26379', 'info', 'sentinel']).output),
    cells,
    units,
  );
  await until('it takes writes', () => redis(cells[0]!, 'set', 'a', '1').trim() === 'OK', cells, units);
  cells[0]!.close();
  await until('another master', () => master(cells[1]!) !== addresses[0], cells.slice(1), units);
  const next = addresses.indexOf(master(cells[1]!)!);
  await until(
    'it takes writes',
    () => redis(cells[next]!, 'set', 'b', '2').trim() === 'OK',
    cells.slice(1),
    units,
  );
  await replace(0);
  await set(0);
  await until('the new machine follows', () => redis(cells[0]!, 'get', 'b').trim() === '2', cells, units);
  expect(redis(cells[0]!, 'info', 'replication')).toContain('role:slave');
  await until('its Sentinel knows', () => master(cells[0]!) === addresses[next], cells, units);
});
