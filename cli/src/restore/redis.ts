import { PassThrough } from 'node:stream';
import type { Container } from '@psa/appliance/inventory/expand';
import { verifySum } from '@psa/recovery/artefact';
import { newRun } from '@psa/recovery/artefact-name';
import { unseal } from '@psa/recovery/sealed';
import { written } from '@psa/recovery/written';
import { REDIS_CLI, redisInfo, redisMembers, takeRedis } from '../backup/redis.ts';
import { BACKUP_LOCK, REDIS_LOCK } from '../backup/run-backup.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { generationsOf } from '../site/generations.ts';
import { needMounted } from '../site/mounts.ts';
import { type Chosen, choose } from './choose.ts';

/** What a restore of Redis will do. */
export interface RedisPlan {
  readonly backup: string;
  readonly at: string;
  readonly age_minutes: number;
  readonly master: string;
  /** Keys that are there now, and are replaced. */
  readonly keys: number;
}

/** What came of it. */
export interface RedisRestored extends RedisPlan {
  /** The backup of what was there before. */
  readonly safety: string;
  readonly keys_after: number;
  readonly duration_ms: number;
}

/** Everything that is known when the plan stands. */
export interface ReadyRedis {
  readonly plan: RedisPlan;
  readonly chosen: Chosen;
  readonly master: Container;
  readonly identity: string;
}

/** @param of the site that it is of, when it is another one. @throws CliError when there is no master, no key, or the backup cannot be used */
export async function planRedis(
  cluster: Cluster,
  name: string,
  identity: string | null,
  of?: string,
): Promise<ReadyRedis> {
  const chosen = await choose(cluster, name, ['redis'], undefined, of);
  if (identity === null)
    throw new CliError('Unable to open a backup without its key.', {
      fix: 'Name its file: PSA_BACKUP_KEY=…, or put it where backup.encryption_key_file of the inventory says.',
      code: 'NO_KEY',
    });
  const { master } = await redisMembers(cluster);
  if (!master)
    throw new CliError('Unable to restore Redis: it has no master.', {
      fix: 'See "psactl status", then "psactl logs redis".',
    });
  const { manifest, age_minutes } = chosen;
  const plan = {
    ...{ backup: manifest.id, at: manifest.at, age_minutes, master: master.name },
    keys: await keysIn(cluster, master.id),
  };
  return { plan, chosen, master, identity };
}

const keysIn = async (cluster: Cluster, id: number): Promise<number> =>
  Number(
    (await cluster.must(id, ['sh', '-c', `${REDIS_CLI}\nredis-cli -p 6379 dbsize`])).replace(/\D+/g, '') || 0,
  );

/**
 * A Redis beside the master loads the snapshot, the master copies it as a replica does, and is master again: all of it in one
 * step, with every key's time, and for its own replicas as after any other change. It takes seconds; Sentinels look away
 * from a master that says it is none for 23 s (down-after-milliseconds, and twice their own ten).
 */
const LOAD = `set -eu
umask 077
${REDIS_CLI}
d=$(mktemp -d /var/lib/redis/psa-restore.XXXXXX)
beside=
end() {
  redis-cli -p 6379 replicaof no one >/dev/null || true
  [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
  rm -rf "$d"
}
trap end EXIT
cat >"$d/dump.rdb"
redis-check-rdb "$d/dump.rdb" >&2
{
  echo "port 6390"; echo "bind 127.0.0.1"; echo "dir $d"; echo 'save ""'; echo "appendonly no"
  echo "requirepass $REDISCLI_AUTH"
} >"$d/conf"
redis-server "$d/conf" >"$d/log" 2>&1 &
beside=$!
tries=0
until redis-cli -p 6390 ping 2>/dev/null | grep -q PONG; do
  kill -0 "$beside" 2>/dev/null || { tail -n 5 "$d/log" >&2; exit 1; }
  tries=$((tries + 1)); [ "$tries" -lt 600 ] || { echo "it does not load" >&2; exit 1; }
  sleep 0.1
done
redis-cli -p 6379 replicaof 127.0.0.1 6390 >/dev/null
tries=0
until redis-cli -p 6379 info replication | grep -q '^master_link_status:up'; do
  tries=$((tries + 1)); [ "$tries" -lt 150 ] || { echo "the master does not copy it" >&2; exit 1; }
  sleep 0.1
done
redis-cli -p 6379 replicaof no one >/dev/null
`;

/** Replaces what is in Redis; what was there is backed up first. */
export async function restoreRedis(
  outer: Cluster,
  ready: ReadyRedis,
  progress: Progress,
): Promise<RedisRestored> {
  const began = Date.now();
  const { plan, chosen, master, identity } = ready;
  const what = { name: BACKUP_LOCK, what: 'psactl restore redis', signal: outer.signal };
  // What is saved every few minutes would be of something that is half restored.
  const alone = <T>(work: (signal: AbortSignal) => Promise<T>) =>
    withClusterLock(outer.site, what, (signal) =>
      withClusterLock(outer.site, { ...what, name: REDIS_LOCK, signal }, work),
    );
  return alone(async (signal) => {
    const cluster = new Cluster(outer.site, signal);
    progress.start('Read the backup');
    await verifySum(chosen.backup.file, chosen.manifest);
    // A key that does not fit is found before anything is saved, stopped or loaded.
    await unseal(chosen.backup.file, identity, async (content) => {
      for await (const _ of content);
    });
    progress.start('Back up what is there');
    const generation = generationsOf(cluster.site)[0]!;
    await needMounted(cluster.site, generation.folder);
    const run = {
      ...{ cluster, generation, id: newRun(new Date()), limit: null },
      isSafety: true,
      recipients: chosen.manifest.recipients,
    };
    const safety = (await takeRedis(run, master, 'master', [])).id;
    progress.start('Restore Redis');
    const stdin = new PassThrough();
    const running = cluster.exec(master.id, ['sh', '-c', LOAD], { stdin, timeoutMs: 60 * 60_000 });
    running.catch(() => {});
    try {
      await unseal(chosen.backup.file, identity, async (content) => {
        for await (const chunk of content) await written(stdin, chunk);
      });
    } finally {
      // Half of a snapshot is none: redis-check-rdb refuses it, and nothing is loaded.
      stdin.end();
    }
    const { code, stderr } = await running;
    if (code !== 0)
      throw new CliError(`Unable to restore Redis in ${master.name}.`, {
        why: stderr.trim().split('\n').slice(-4).join('\n'),
        fix: `What was there is in ${safety}.`,
      });
    const info = await redisInfo(cluster, master.id);
    if (info.get('role') !== 'master')
      throw new CliError(`Unable to finish: ${master.name} is ${info.get('role')} now.`, {
        fix: 'See "psactl status".',
      });
    return { ...plan, safety, keys_after: await keysIn(cluster, master.id), duration_ms: Date.now() - began };
  });
}
