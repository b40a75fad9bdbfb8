import { createReadStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { readZstd, verifySum } from '@psa/recovery/artefact';
import { compareDumps, DRILL_ROLE, readRows } from '@psa/recovery/dump-rows';
import type { SiteManifest } from '@psa/recovery/manifest';
import { type Comparison, compare } from '@psa/recovery/proof';
import type { Catalogued } from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import { GROWTH, SPARE_BYTES } from '../restore/place-database.ts';
import { lastWords } from '../text.ts';
import { type Drilling, fromTemplate, inPlace, needRoom, preparing } from './place.ts';
import { signInAt } from './portal.ts';

/** What came of restoring a backup, where it came to an end. */
export interface Tried {
  readonly restore_ms: number;
  readonly compared: readonly Comparison[];
  readonly notes: readonly string[];
}

const LOAD_MS = 24 * 3_600_000;

/** Its own folder: Patroni's is another, and stays empty. `$1`: PostgreSQL's version. */
const PATHS = `v=/usr/lib/postgresql/$1/bin
d=/var/lib/postgresql/psa-drill
cd /
as() { su postgres -s /bin/sh -c "$1"; }`;

/**
 * A server that nobody else knows: no port, its socket in a folder of its own, and no care for a loss of power. Its first role
 * is the drill's, so that the dump may make every one that it names.
 */
const START = `set -eu
${PATHS}
s=$(mktemp -d)
chmod 755 "$s"
mkdir -p "$d"
install -d -m 700 -o postgres -g postgres "$d/data" "$s/run"
echo "$s/run" >"$d/socket"
fail() { tail -n 6 "$d/said" "$d/data/log" >&2; exit 1; }
as "$v/initdb -D $d/data -U ${DRILL_ROLE} -A trust -E UTF8 --locale=C.UTF-8 -N --no-instructions" >"$d/said" 2>&1 || fail
cat >>"$d/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$s/run'
fsync = off
full_page_writes = off
autovacuum = off
max_wal_size = 4GB
END
as "$v/pg_ctl -D $d/data -w -t 60 -l $d/data/log start" >"$d/said" 2>&1 || fail`;

const CONNECT = `-U ${DRILL_ROLE} -h $(cat $d/socket)`;
/** In short words: what stands in a row that does not fit is nobody's who reads the report. */
const LOAD = `set -o pipefail
${PATHS}
zstd -dcq | as "$v/psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -v VERBOSITY=terse ${CONNECT} -d postgres"`;
const DUMP = `${PATHS}
as "$v/pg_dumpall ${CONNECT}"`;
/** Every page of every table, and every row of it in its indexes. It says nothing where all is well. */
const CHECK = `${PATHS}
as "$v/pg_amcheck ${CONNECT} --all --install-missing --heapallindexed -j 2" 2>&1`;
/** Foreign keys of every database: all, and those that nobody has seen to hold. */
const KEYS = `${PATHS}
as "$v/psql -X -A -t ${CONNECT} -d postgres" <<'END' | while read -r name; do
SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate;
END
  [ -z "$name" ] || echo "SELECT count(*), count(*) FILTER (WHERE NOT convalidated) FROM pg_constraint WHERE contype = 'f';" |
    PGDATABASE=$name as "$v/psql -X -A -t -F ' ' ${CONNECT}"
done`;
const STOP = `${PATHS}
as "$v/pg_ctl -D $d/data -m immediate -w stop" >/dev/null 2>&1
rm -rf "$(cat $d/socket)" "$d"`;

/**
 * Loads a dump with its roles into a server of its own, and compares what that gives out again with what was put in: every
 * table, row by row, and what makes everything else. The dump is the source at that time: one transaction of it read all of a
 * database, and its bytes are those of that moment, which its SHA-256 says.
 */
export async function drillDatabase(
  drilling: Drilling,
  { id: backup, file }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { cluster, journal } = drilling;
  const began = performance.now();
  const step = <T>(what: string, work: () => Promise<T>) => journal.step(backup, what, work);
  await step('read the backup', () => verifySum(file, manifest));
  const place = await preparing(drilling, async () => {
    const made = await fromTemplate(drilling, 'postgres');
    const needed = (manifest.content_bytes ?? manifest.bytes * 10) * GROWTH + SPARE_BYTES;
    await needRoom(cluster, { node: made.node, storage: made.member.storage }, needed);
    return made;
  });
  const version = String(cluster.site.inventory.data.postgres.version);
  return inPlace(drilling, backup, { ...place, name: 'postgres', restoring: false }, async (made) => {
    const { id, name } = made;
    const run = (shell: string, script: string, options = {}) =>
      cluster.exec(id, [shell, '-c', script, 'drill', version], { timeoutMs: LOAD_MS, ...options });
    await preparing(drilling, () =>
      step('start a server', async () => {
        const { code, stderr } = await run('sh', START);
        if (code !== 0)
          throw new CliError(`Unable to start PostgreSQL in ${name}.`, { why: lastWords(stderr) });
      }),
    );
    try {
      await step('load the dump', async () => {
        const { code, stderr } = await run('bash', LOAD, { stdin: createReadStream(file) });
        if (code !== 0)
          throw new CliError('The dump does not load.', {
            why: lastWords(stderr) || `It ended with ${code}.`,
          });
      });
      const restore_ms = Math.round(performance.now() - began);
      const wanted = await step('count the rows of the dump', () => readZstd(file, readRows));
      const found = await step('count the rows that are there', async () => {
        const text = new PassThrough();
        const reading = readRows(text);
        reading.catch((error: Error) => text.destroy(error));
        const { code, stderr } = await run('sh', DUMP, { stdout: text });
        text.end();
        if (code !== 0)
          throw new CliError('What was restored does not read back.', { why: lastWords(stderr) });
        return reading;
      });
      const faults = await step('check tables and indexes', async () => {
        const { code, stdout } = await run('sh', CHECK);
        const lines = stdout.split('\n').filter((line) => line.trim() !== '');
        return code === 0 ? [] : lines.length === 0 ? [`pg_amcheck ended with ${code}`] : lines;
      });
      const [keys, unseen] = await step('check foreign keys', async () => {
        const { code, stdout, stderr } = await run('sh', KEYS);
        if (code !== 0) throw new CliError('The foreign keys cannot be read.', { why: lastWords(stderr) });
        const counts = stdout
          .split('\n')
          .filter((line) => /^\d+ \d+$/.test(line))
          .map((line) => line.split(' ').map(Number));
        return [0, 1].map((at) => counts.reduce((sum, one) => sum + one[at]!, 0)) as [number, number];
      });
      const { account } = drilling;
      // Last, for it writes: a session of who signs in.
      const signedIn =
        account === null
          ? { compared: [], notes: ['Nobody signed in: PSA_EMAIL and PSA_PASSWORD name nobody.'] }
          : await signInAt(drilling, backup, made, account);
      return {
        restore_ms,
        compared: [
          ...compareDumps(wanted, found),
          compare('faults that pg_amcheck finds', 0, faults.length),
          // Each was held against its rows when the dump made it; one that was not so at its source comes so.
          compare('foreign keys', null, keys),
          ...signedIn.compared,
        ],
        notes: [
          ...faults.slice(0, 5),
          ...signedIn.notes,
          ...(unseen > 0 ? [`${unseen} foreign keys are NOT VALID, as they were.`] : []),
        ],
      };
    } finally {
      await run('sh', STOP).catch(() => {});
    }
  });
}
