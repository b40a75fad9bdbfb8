import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { median, ms, times } from '../measure.ts';
import { type RecoveryLab, recoveryLab } from '../recovery-lab.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const ROUNDS = 3;
/** Copies of the 50 MiB of rows that are made up, each with keys of its own: 1 GiB and more. */
const COPIES = 22;
/** Of the limit's speed. */
const BOUND = 0.9;
/** The load's p95 with a backup against without. */
const P95_BOUND = 1.5;
/** What is compared with bare programs has their priority: a backup gives way to everything else where nothing is said. */
const BESIDE = 'limits: { priority: normal }';
const DATABASE = 'recovery_bench';
/** Both of its containers are filled, and their disks can have snapshots. */
const GROUP = 'haproxy';

/** Text as people write it compresses to about a third: words of a list, in sentences of different lengths. */
const FILL = `create table rows (id bigint primary key, customer int not null, at timestamptz not null, title text not null, body text not null);
insert into rows select n, n % 997, timestamptz '2026-01-01' + n * interval '11 seconds',
  (select string_agg(md5((n * 7 + w)::text), ' ') from generate_series(1, 1) w),
  (select string_agg(substr('der Drucker in der Buchhaltung druckt nicht mehr seit dem Update heute morgen bitte um schnelle Hilfe the mail server refuses connections after the certificate was renewed', 1 + (n * 31 + w * 17) % 140, 5 + (n + w * 3) % 23) || (n * w) % 89041, ' ') from generate_series(1, 28) w)
  from generate_series(1, 75000) n;
do $$ begin for k in 1..${COPIES - 1} loop
  insert into rows select id + k * 1000000, customer, at, title, body from rows where id < 1000000; commit; end loop; end $$;
create index on rows (customer, at);
vacuum (analyze) rows;`;

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20).toLocaleString('en-GB')} MiB`;
const seconds = (value: number) => `${(value / 1_000).toFixed(1)} s`;

/** One round: our time and that of the bare programs that do the same; `after`: what comes on top, and they do not do. */
interface Round {
  readonly ours: number;
  readonly limit: number;
  readonly after: number;
}

/** Our time and the limit's, round by round, as a share of the limit's speed. */
function row(what: string, size: string, rounds: readonly Round[], after: string | null, of: string): Row {
  const share = median(rounds.map(({ ours, limit }) => limit / ours));
  const more = after === null ? '' : ` (+ ${seconds(median(rounds.map((one) => one.after)))} ${after})`;
  return {
    ...{
      what: `${what}, ${size}`,
      ours: `${seconds(median(rounds.map(({ ours }) => ours)))}${more}`,
    },
    limit: `${seconds(median(rounds.map(({ limit }) => limit)))} (${of})`,
    ...{ ratio: times(share), target: `≥ ${BOUND}`, met: share >= BOUND },
  };
}

const bash = (line: string) => promisify(execFile)('bash', ['-o', 'pipefail', '-c', line]);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

interface RunData {
  readonly duration_ms: number;
  readonly complete: boolean;
  readonly parts: readonly {
    item: string;
    outcome: string;
    duration_ms: number;
    read_back_ms: number;
    bytes: number;
  }[];
}

/** A run of some parts. @throws when one of them is not good */
async function backup(lab: RecoveryLab, ...args: readonly string[]): Promise<RunData> {
  const made = await lab.psactl<RunData>('backup', 'run', ...args);
  if (!made.parts.every(({ outcome }) => outcome === 'good' || outcome === 'unchanged'))
    throw new Error(`A part of the backup is not good: ${JSON.stringify(made.parts)}`);
  return made;
}

/** Says something of the backups in the inventory, for as long as the work takes. */
async function saying<T>({ edit }: RecoveryLab, line: string, work: () => Promise<T>): Promise<T> {
  await edit((text) => text.replace(/^( +)interruption: .*$/m, `$&\n$1${line}`));
  try {
    return await work();
  } finally {
    await edit((text) => text.replace(new RegExp(`\\n +${RegExp.escape(line)}`), ''));
  }
}

/** The members of the database. */
async function members({ containers, inside }: RecoveryLab) {
  const found = await Promise.all(
    containers
      .filter(({ group }) => group === 'postgres')
      .map(async ({ name }) => ({
        name,
        isReplica: (await inside(name, psql('select pg_is_in_recovery()', 'postgres'))).trim() === 't',
      })),
  );
  return {
    primary: found.find(({ isReplica }) => !isReplica)!.name,
    replica: found.find(({ isReplica }) => isReplica)!.name,
  };
}

/** What a program reads: nothing of it needs to be quoted. */
const reading = (text: string) => `base64 -d <<< ${Buffer.from(text).toString('base64')}`;
const psql = (sql: string, database = DATABASE) =>
  `cd / && ${reading(sql)} | runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d ${database} -tA`;
/** What an earlier measurement has left to be done: its log is archived, on the replicas, and in their files. */
async function settled({ inside }: RecoveryLab, { primary, replica }: { primary: string; replica: string }) {
  const ask = async (on: string, sql: string) => (await inside(on, psql(sql, 'postgres'))).trim();
  const end = await ask(primary, 'checkpoint; select pg_switch_wal()');
  const waits = `select count(*) from pg_ls_archive_statusdir() where name like '%.ready'`;
  while ((await ask(primary, waits)) !== '0') await sleep(500);
  while ((await ask(replica, `select pg_last_wal_replay_lsn() >= '${end}'`)) !== 't') await sleep(500);
  await ask(replica, 'checkpoint');
}

const asPostgres = (line: string) =>
  `cd /var/tmp && ${reading(line)} | runuser -u postgres -- bash -e -o pipefail`;

/** The dump and its restore. */
async function database(lab: RecoveryLab, say: Say): Promise<Row[]> {
  const { primary, replica } = await members(lab);
  await lab.inside(primary, psql(`drop database if exists ${DATABASE} with (force)`, 'postgres'));
  await lab.inside(primary, psql(`create database ${DATABASE}`, 'postgres'));
  await lab.inside(primary, psql(FILL));
  const size = Number(await lab.inside(primary, psql(`select pg_database_size('${DATABASE}')`)));
  say(`the database has ${mib(size)}`);
  const dump: Round[] = [];
  const restore: Round[] = [];
  await lab.inside(primary, asPostgres(`pg_dump ${DATABASE} | zstd -q -T0 -f -o bench.sql.zst`));
  for (let round = 0; round < ROUNDS; round++) {
    await settled(lab, { primary, replica });
    const alone = `pg_dumpall --no-unlogged-table-data | zstd -q -T0 -f -o bench.all.zst && sync bench.all.zst`;
    const limit = await lab.timed(replica, asPostgres(alone));
    const made = await saying(lab, BESIDE, () => backup(lab, '--only', 'database'));
    const { duration_ms: whole, read_back_ms: after } = made.parts[0]!;
    dump.push({ limit, ours: whole - after, after });
    const into = `${DATABASE}_again`;
    await settled(lab, { primary, replica });
    const load = `createdb ${into} && zstd -dcq bench.sql.zst | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d ${into}`;
    const loaded = await lab.timed(primary, asPostgres(load));
    await lab.inside(primary, psql(`drop database ${into} with (force)`, 'postgres'));
    await settled(lab, { primary, replica });
    const { duration_ms } = await lab.psactl<{ duration_ms: number }>(
      ...['restore', 'database', 'latest', '--database', DATABASE, '--as', into, '--yes'],
    );
    await lab.inside(primary, psql(`drop database ${into} with (force)`, 'postgres'));
    restore.push({ limit: loaded, ours: duration_ms, after: 0 });
    say(`dump ${JSON.stringify(dump.at(-1))}, restore ${JSON.stringify(restore.at(-1))}`);
  }
  await lab.inside(
    primary,
    `rm -f /var/tmp/bench.*; ${psql(`drop database ${DATABASE} with (force)`, 'postgres')}`,
  );
  await lab.inside(replica, 'rm -f /var/tmp/bench.*');
  return [
    row(
      'dump of the database',
      mib(size),
      dump,
      'to read it back',
      '`pg_dumpall | zstd -T0` to the disk, on the same replica',
    ),
    row('the same loaded beside', mib(size), restore, null, '`zstd -d | psql` on the primary'),
  ];
}

/** An archive of containers and its restore. */
async function container(lab: RecoveryLab, say: Say): Promise<Row[]> {
  const group = lab.containers.filter((one) => one.group === GROUP);
  // Programs and libraries, as most of a container is.
  for (const { name } of group)
    await lab.inside(name, 'mkdir -p /srv/bench && for i in 1 2 3; do cp -a /usr /srv/bench/$i; done; sync');
  const used = await Promise.all(
    group.map(async ({ name }) => Number((await lab.inside(name, 'du -sxB1 / | cut -f1')).trim())),
  );
  const size = used.reduce((sum, one) => sum + one, 0);
  say(`${group.length} containers have ${mib(size)}`);
  // Volumes that were removed are cleared away in the background: what is measured next would pay for it.
  const cleared = async () => {
    const disks = new Set(group.map((one) => dirname(dirname(lab.rootOf(one)))));
    await bash([...disks].map((disk) => `btrfs subvolume sync ${disk} && sync -f ${disk}`).join(' && '));
  };
  const place = await mkdtemp(join(tmpdir(), 'psa-bench-'));
  const made: Round[] = [];
  const restored: Round[] = [];
  try {
    await lab.edit((text) => text.replace(/^( +)interruption: .*$/m, `$&\n$1groups: [${GROUP}]`));
    for (let round = 0; round < ROUNDS; round++) {
      const archive = (id: number) => join(place, `${id}.tar.zst`);
      const tar = '--numeric-owner --acls --xattrs --one-file-system --sparse';
      // Of a snapshot, as vzdump does it: what is in one is read from the disk.
      const pack = group.map((one) => {
        const past = `${lab.rootOf(one)}-bench`;
        const line = `btrfs -q subvolume snapshot -r ${lab.rootOf(one)} ${past} && tar -C ${past} ${tar} -cpf - . | zstd -q -1 --threads=1 -f -o ${archive(one.id)} && sync ${archive(one.id)}; e=$?; btrfs -q subvolume delete ${past}; exit $e`;
        return () => bash(line);
      });
      await cleared();
      const limit = await timed(() => Promise.all(pack.map((one) => one())));
      await cleared();
      const run = await saying(lab, BESIDE, () => backup(lab, '--only', 'containers'));
      const last = run.parts.reduce((a, b) => (a.duration_ms > b.duration_ms ? a : b));
      made.push({ limit, ours: last.duration_ms - last.read_back_ms, after: last.read_back_ms });
      const [one] = group as [(typeof group)[number]];
      const folder = `${lab.rootOf(one)}-bench`;
      await cleared();
      const unpacked = await timed(() =>
        bash(
          `btrfs -q subvolume create ${folder} && btrfs qgroup limit ${one.disk_gb * 2 ** 30} ${folder} && zstd -dcq ${archive(one.id)} | tar -C ${folder} ${tar} -xpf -`,
        ),
      );
      await bash(`btrfs -q subvolume delete ${folder}`);
      await cleared();
      const { duration_ms, unpack_ms, node } = await lab.psactl<{
        duration_ms: number;
        unpack_ms: number;
        node: string;
      }>(...['restore', 'container', one.name, '--as', String(AS), '--address', '10.0.40.99', '--yes']);
      await lab.remove(node, AS);
      restored.push({ limit: unpacked, ours: unpack_ms, after: duration_ms - unpack_ms });
      say(`archive ${JSON.stringify(made.at(-1))}, restore ${JSON.stringify(restored.at(-1))}`);
    }
  } finally {
    await rm(place, { recursive: true, force: true });
    await lab.edit((text) => text.replace(new RegExp(`\\n +groups: \\[${GROUP}\\]`), ''));
    for (const { name } of group) await lab.inside(name, 'rm -rf /srv/bench');
  }
  const each = `${mib(used[0]!)} each`;
  return [
    row(
      `archives of ${group.length} containers at once`,
      each,
      made,
      'to read them back',
      '`tar | zstd -1` of a snapshot of both at once',
    ),
    row(
      'one of them restored beside',
      each,
      restored,
      'to read the archive before, and until its init answers',
      '`zstd -d | tar -x` on the same storage',
    ),
  ];
}

/** What people notice of a whole run. */
async function noticed(lab: RecoveryLab, say: Say): Promise<Row[]> {
  const rows: Row[] = [];
  for (const limits of [null, BESIDE]) {
    const quiet = await lab.load(60).done;
    const busy = lab.load(1_800);
    await sleep(2_000);
    const run = () => backup(lab, '--tier', 'father');
    await (limits === null ? run() : saying(lab, limits, run));
    const { reads, writes } = await busy.stop();
    if (reads.failed + writes.failed > 0) say(`failed meanwhile: ${JSON.stringify([reads, writes])}`);
    const p95 = { without: quiet.reads.latencyMs.p95, with: reads.latencyMs.p95 };
    say(`p95 of reads, ${limits ?? 'as it is by default'}: ${JSON.stringify(p95)}`);
    const ratio = p95.with / p95.without;
    rows.push({
      what: `p95 of reads through the portal while everything is backed up, 6 clients, ${limits === null ? 'nothing said of limits' : `\`${limits}\``}`,
      ...{ ours: ms(p95.with), limit: `${ms(p95.without)} (without)`, ratio: times(ratio) },
      ...(limits === null
        ? { target: `≤ ${P95_BOUND}`, met: ratio <= P95_BOUND }
        : { target: 'none', met: true }),
    });
  }
  return rows;
}

/** Of those that are kept for drills. */
const AS = 940;

const onLab =
  (...parts: readonly ((lab: RecoveryLab, say: Say) => Promise<Row[]>)[]) =>
  async (say: Say): Promise<Row[]> => {
    const lab = await recoveryLab(say);
    try {
      const rows: Row[] = [];
      for (const part of parts) rows.push(...(await part(lab, say)));
      return rows;
    } finally {
      await lab.close();
    }
  };

const BESIDE_BARE =
  'psactl on a lab of real containers, beside the bare programs in the same run, in turn, at the same priority (`limits: { priority: normal }`); three rounds, the ratio is of speeds (1: as fast). What is ours includes its manifest and the way through ssh; reading each artefact back to its last byte, and reading an archive before anything is touched, is what the bare programs do not do, and stands beside in brackets. `PSA_DRILL_DIR` names a lab that stands. Needs root.';

export const recoveryDatabase: Benchmark = {
  name: 'recovery-database',
  method: `${BESIDE_BARE} Rows of made-up text; before each measurement what the one before has left of the log is archived and on the replica. What is restored is analysed too, which the bare programs do not do.`,
  run: onLab(database),
};

export const recoveryContainer: Benchmark = {
  name: 'recovery-container',
  method: `${BESIDE_BARE} \`/usr\` three times over beside the system, onto volumes of the size that the container's disk has.`,
  run: onLab(container),
};

export const recoveryLoad: Benchmark = {
  name: 'recovery-load',
  method:
    'A run of everything, 25 containers, while people read and write through the portal, on the one machine that also is all nodes, all containers and the clients: as a backup is by default, and as one with the priority of everything else. `PSA_DRILL_DIR` names a lab that stands. Needs root.',
  run: onLab(noticed),
};
