import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import { masterOf } from '@psa/appliance/parts/redis';
import { ArtefactError } from '@psa/recovery/artefact';
import type { Cluster } from '../site/cluster.ts';
import { askPart } from '../site/look.ts';
import { mustStream } from './database.ts';
import { type Part, type Run, takeFile } from './part.ts';

/** As the member's own configuration has it: the password is in no argument. */
export const REDIS_CLI = `REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /etc/redis/psa-redis.conf)
export REDISCLI_AUTH`;

/** What Redis says of itself: `redis_version:7.0.15` → value by key. */
export async function redisInfo(cluster: Cluster, id: number): Promise<ReadonlyMap<string, string>> {
  const text = await cluster.must(id, ['sh', '-c', `${REDIS_CLI}\nredis-cli -p 6379 info`]);
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^(\w+):(.*?)\r?$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value ?? ''] as const];
    }),
  );
}

/** The member that is master, and those that run beside it. */
export async function redisMembers(
  cluster: Cluster,
): Promise<{ readonly master: Container | null; readonly others: readonly Container[] }> {
  const address = masterOf((await askPart(cluster, 'redis')) ?? []);
  const running = await cluster.running('redis');
  const master = running.find((one) => one.address === address) ?? null;
  return { master, others: running.filter((one) => one !== master) };
}

/** Redis, as it gives itself to a new replica: a snapshot that it makes for this, whole or not at all. */
export async function redisPart(cluster: Cluster): Promise<Part> {
  const { master, others } = await redisMembers(cluster);
  const base = { item: 'redis' as const, name: 'redis' };
  const source = others[0] ?? master;
  if (!source) return { ...base, how: '', skip: 'no member of Redis answers', take: async () => null };
  const role = source === master ? 'master' : 'replica';
  return {
    ...{ ...base, how: `snapshot of ${source.name} (${role})`, skip: null },
    async take(run) {
      const info = await redisInfo(cluster, source.id);
      // A replica that has lost its master has what was there then.
      if (info.get('role') === 'slave' && info.get('master_link_status') !== 'up' && master)
        return takeRedis(run, master, 'master', [
          `${source.name} has lost its master; the master was asked.`,
        ]);
      return takeRedis(run, source, role, []);
    },
  };
}

/**
 * As to a new replica: Redis forks for it, and its end is its word, not a clock's. By way of a file, for on its output
 * redis-cli leaves the mark that follows a snapshot made without a disk. Its sums are checked before it is sent.
 */
const SNAPSHOT = `umask 077
t=$(mktemp /var/lib/redis/psa-backup.XXXXXX) || exit 1
trap 'rm -f "$t"' EXIT
redis-cli -p 6379 --rdb "$t" >&2 && redis-check-rdb "$t" >&2 && cat "$t"`;

export async function takeRedis(run: Run, { id, name }: Container, role: string, warned: readonly string[]) {
  const { cluster } = run;
  const info = await redisInfo(cluster, id);
  const warnings = [
    ...warned,
    ...(info.get('aof_enabled') === '1'
      ? []
      : ['Redis writes no append-only file: a crash loses what came after its last snapshot.']),
    // INFO persistence: a fork that fails (memory, disk) is known here, and by LASTSAVE never.
    ...(info.get('rdb_last_bgsave_status') === 'ok' ? [] : ["Redis' own last snapshot failed."]),
  ];
  return takeFile(run, 'redis', {
    async fill(into) {
      const ends = new RdbEnds();
      const passing = pipeline(ends, into, { end: false });
      passing.catch(() => {});
      const line = `${REDIS_CLI}\n${SNAPSHOT}`;
      await mustStream(
        cluster,
        id,
        ['sh', '-c', line],
        { stdout: ends },
        'Unable to take a snapshot of Redis',
      );
      ends.end();
      await passing;
      ends.check();
      return { from: { container: id, name, role }, version: info.get('redis_version') ?? null, warnings };
    },
  });
}

/** Sees that a stream begins and ends as an RDB does: `REDIS`, and 0xFF with eight bytes of checksum. */
class RdbEnds extends Transform {
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    if (this.#head.length < 9) this.#head = Buffer.concat([this.#head, chunk]).subarray(0, 9);
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-9);
    done(null, chunk);
  }

  /** @throws ArtefactError */
  check(): void {
    const isRdb = /^REDIS\d{4}$/.test(this.#head.toString('latin1'));
    if (!isRdb || this.#tail.length < 9 || this.#tail[0] !== 0xff)
      throw new ArtefactError('Unable to back up Redis: what it sent is no snapshot, or cut off.');
  }
}
