import { PassThrough } from 'node:stream';
import { verifySum } from '@psa/recovery/artefact';
import type { SiteManifest } from '@psa/recovery/manifest';
import { compare } from '@psa/recovery/proof';
import { unseal } from '@psa/recovery/sealed';
import { written } from '@psa/recovery/written';
import type { Catalogued } from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import type { Tried } from './database.ts';
import { type Drilling, fromTemplate, inPlace, preparing, Untried } from './place.ts';

/**
 * Two programs read the snapshot, and must agree: redis-check-rdb counts what stands in it, and a server that has no port and
 * writes nothing says what it has loaded, and what had run out by then.
 */
const LOAD = `set -eu
d=$(mktemp -d /var/lib/redis/psa-drill.XXXXXX)
s=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$d" "$s"' EXIT
cat >"$d/dump.rdb"
/usr/bin/redis-check-rdb "$d/dump.rdb" >"$d/read" || { tail -n 5 "$d/read" >&2; exit 3; }
/usr/bin/redis-server --port 0 --unixsocket "$s/socket" --dir "$d" --save '' --appendonly no >"$d/log" 2>&1 &
server=$!
tries=0
until /usr/bin/redis-cli -s "$s/socket" ping 2>/dev/null | grep -q PONG; do
  kill -0 "$server" 2>/dev/null || { tail -n 5 "$d/log" >&2; exit 3; }
  tries=$((tries + 1)); [ "$tries" -lt 6000 ] || { echo "it does not load" >&2; exit 3; }
  sleep 0.1
done
sed -n 's/^\\[info\\] \\([0-9]*\\) keys read.*/read \\1/p' "$d/read"
sed -n 's/.*Done loading RDB, keys loaded: \\([0-9]*\\), keys expired: \\([0-9]*\\).*/loaded \\1\\nexpired \\2/p' "$d/log"
echo end`;

/** Opens what is encrypted. @throws Untried when there is no key: that is no fault of the backup */
export function keyOf({ identity }: Drilling): string {
  if (identity !== null) return identity;
  throw new Untried('there is no key here that opens it (backup.encryption_key_file, PSA_BACKUP_KEY)');
}

/** Streams what is in an encrypted backup into a program in a container. @returns what it printed */
export async function feedSealed(
  { cluster }: Drilling,
  id: number,
  script: string,
  { file, identity, unable }: { readonly file: string; readonly identity: string; readonly unable: string },
): Promise<string> {
  const stdin = new PassThrough();
  const running = cluster.exec(id, ['sh', '-c', script], { stdin, timeoutMs: 3_600_000 });
  // Who reads may end first: then its words say why.
  const ended = running.finally(() => stdin.destroy());
  ended.catch(() => {});
  let broken: Error | null = null;
  await unseal(file, identity, async (content) => {
    for await (const chunk of content) await written(stdin, chunk);
    stdin.end();
  }).catch((error: Error) => {
    broken = error;
    stdin.destroy();
  });
  const { code, stdout, stderr } = await ended;
  if (broken) throw broken;
  if (code !== 0)
    throw new CliError(unable, {
      why: stderr.trim().split('\n').slice(-4).join('\n') || `It ended with ${code}.`,
    });
  return stdout;
}

/** Has a server of its own load the snapshot. */
export async function drillRedis(
  drilling: Drilling,
  { id: backup, file }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { journal } = drilling;
  const began = performance.now();
  const identity = keyOf(drilling);
  await journal.step(backup, 'read the backup', () => verifySum(file, manifest));
  const place = await preparing(drilling, () => fromTemplate(drilling, 'redis'));
  return inPlace(drilling, backup, { ...place, name: 'redis', restoring: false }, async ({ id }) => {
    const said = await journal.step(backup, 'load the snapshot', () =>
      feedSealed(drilling, id, LOAD, { file, identity, unable: 'The snapshot does not load.' }),
    );
    const restore_ms = Math.round(performance.now() - began);
    const number = (word: string) =>
      Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(said)?.[1] ?? Number.NaN);
    const [read, loaded, expired] = [number('read'), number('loaded'), number('expired')];
    return {
      restore_ms,
      compared: [compare('keys that were loaded or had run out', read, loaded + expired)],
      notes: expired > 0 ? [`${expired} of ${read} keys had run out since.`] : [],
    };
  });
}
