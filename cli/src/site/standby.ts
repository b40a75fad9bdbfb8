import type { Inventory } from '@psa/appliance/inventory/schema';
import { REPOSITORY } from '@psa/appliance/parts/pgbackrest-settings';
import { POSTGRES_PORTS } from '@psa/appliance/parts/postgres-settings';
import {
  FOLLOW,
  FOLLOW_STATE,
  FOLLOW_UNITS,
  WARM_ARCHIVE_SECONDS,
} from '@psa/appliance/parts/standby-settings';
import { type FollowState, readFollowState } from '@psa/recovery/dr/standby';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { askSql, postgresMembers, postgresShell } from './psql.ts';
import { repositoryHost } from './repository.ts';

/** A piece that is full or old enough is in the repository by then, in ms: the next one waits behind it. */
const PUSH_MS = 15_000;

/** How old what is written becomes before it is in the repository of the site that serves, in ms. */
export const handedOverMs = ({ backup }: Pick<Inventory, 'backup'>): number =>
  Math.min(WARM_ARCHIVE_SECONDS, backup.wal_archive_minutes * 60) * 1000 + PUSH_MS;

/** How far a site that follows is. @throws CliError when its repository does not run or has no follower */
export async function followState(cluster: Cluster): Promise<FollowState> {
  const host = await repositoryHost(cluster);
  const { code, stdout, stderr } = await cluster.exec(host.id, postgresShell(`${FOLLOW} state`));
  const state = code === 0 ? readFollowState(stdout) : null;
  if (state) return state;
  throw new CliError(
    `Unable to see how far ${cluster.site.site.name} follows: ${host.name} does not say it.`,
    {
      why: stderr.trim().split('\n').at(-1) || `psa-follow ended with ${code}.`,
      fix: 'Run "psactl dr follow": it makes the site one that follows.',
    },
  );
}

/** How long the other site may take to give its last pieces, which is most often gone. */
const LAST_MS = 30_000;
/** How long the database may take to take over what has come. */
const REPLAY_MS = 60_000;

/**
 * Ends the following: what can still be had is brought, and nothing comes any more.
 * @returns how far it is then
 */
export async function stopFollowing(cluster: Cluster): Promise<FollowState> {
  const host = await repositoryHost(cluster);
  await cluster.must(host.id, ['systemctl', 'stop', ...FOLLOW_UNITS]);
  // Nobody answering is what is usual.
  await cluster
    .exec(host.id, postgresShell(`timeout ${LAST_MS / 1000} ${FOLLOW} log once`), { timeoutMs: 2 * LAST_MS })
    .catch(() => cluster.signal.throwIfAborted());
  const deadline = performance.now() + REPLAY_MS;
  for (;;) {
    const state = await followState(cluster);
    if (state.behind_bytes === 0 || state.role !== 'standby_leader' || performance.now() > deadline)
      return state;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    cluster.signal.throwIfAborted();
  }
}

/** How long a promotion may take: it takes over first whatever has come. */
const OPEN_MS = 10 * 60_000;
const PATRONI = '/etc/patroni/config.yml';

/** Has a database that follows take writes; one that does already stays as it is. */
export async function openDatabase(cluster: Cluster): Promise<void> {
  const members = await cluster.running('postgres');
  const [first] = members;
  if (!first)
    throw new CliError(`Unable to open the database of ${cluster.site.site.name}: none of its members runs.`);
  // JSON that Patroni merges into its settings: null takes a key away.
  await cluster.must(first.id, ['sh', '-c', `patronictl -c ${PATRONI} edit-config --apply - --force`], {
    stdin: '{"standby_cluster": null}\n',
    timeoutMs: 60_000,
  });
  await cluster.until(
    'the database take writes',
    OPEN_MS,
    async () => {
      const { primary } = await postgresMembers(cluster);
      if (!primary) return 'it has no primary yet';
      const [row] = await askSql(cluster, primary.id, 'postgres', 'SELECT pg_is_in_recovery();').catch(() => [
        'it does not answer',
      ]);
      return row === 'f' ? null : `${primary.name} is still in recovery`;
    },
    500,
  );
}

/**
 * Takes the database of a site away, with what Patroni knows of it, and the copy of the other site's repository, so that both
 * begin anew. Run again, it takes what is left.
 * @throws CliError when a container of them does not run
 */
export async function clearDatabase(cluster: Cluster): Promise<void> {
  const { inventory } = cluster.site;
  const placed = [...(await cluster.placed('postgres')), ...(await cluster.placed('ops'))];
  const there = placed.filter(({ state }) => state !== 'missing');
  const away = there.filter(({ state }) => state !== 'running');
  if (away.length > 0)
    throw new CliError(`Unable to take away the database of ${cluster.site.site.name}: not all of it runs.`, {
      why: `${away.map(({ container }) => container.name).join(', ')} ${away.length === 1 ? 'does' : 'do'} not run.`,
      fix: 'Start them in the cluster, then run this again.',
    });
  const members = there
    .filter(({ container }) => container.group === 'postgres')
    .map(({ container }) => container);
  await Promise.all(members.map(({ id }) => cluster.must(id, ['systemctl', 'stop', 'patroni.service'])));
  const [first] = members;
  if (first) {
    const etcd = `http://${first.address}:${POSTGRES_PORTS.etcd}`;
    await cluster.must(first.id, [
      ...['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${etcd}`, 'del', '--prefix'],
      `/patroni/${inventory.name}/`,
    ]);
  }
  const data = `/var/lib/postgresql/${inventory.data.postgres.version}/main`;
  await Promise.all(members.map(({ id }) => cluster.must(id, ['rm', '-rf', data])));
  for (const { container } of there.filter(({ container: { group } }) => group === 'ops')) {
    // Those that it does not have are none.
    await cluster.exec(container.id, ['systemctl', 'stop', ...FOLLOW_UNITS]);
    await cluster.must(container.id, [
      'sh',
      '-c',
      `for one in ${REPOSITORY} ${FOLLOW_STATE}; do [ ! -d "$one" ] || find "$one" -mindepth 1 -delete; done`,
    ]);
  }
}
