import { statfs } from 'node:fs/promises';
import { outages, type Releases } from '@psa/appliance/deploy/rollout';
import type { Service } from '@psa/appliance/inventory/schema';
import type { OpenSite } from '../appliance/site.ts';
import { patroniCluster } from './database-dump.ts';
import type { Hands } from './hands.ts';
import type { ServerState } from './haproxy-stats.ts';
import { type ReplicaSeen, replicaOf } from './replicas.ts';

/** One thing that was looked at before anything is done. */
export interface Check {
  readonly check: string;
  /** `warning`: it is said, and does not stop the deploy. */
  readonly result: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** --force goes on without it. */
  readonly forcible: boolean;
}

/** What was seen of the site. */
export interface Seen {
  readonly services: readonly Service[];
  /** Container → what it says. */
  readonly replicas: ReadonlyMap<string, ReplicaSeen & { readonly service: string }>;
  readonly views: readonly (readonly ServerState[] | null)[];
}

const check = (name: string, wrong: readonly string[], fine: string, soft: boolean | null = null): Check => ({
  check: name,
  result: wrong.length === 0 ? 'ok' : soft ? 'warning' : 'failed',
  detail: wrong.length === 0 ? fine : wrong.join('; '),
  forcible: soft !== null,
});

/** Whether the cluster can bear that one replica after the other is taken out. */
export async function preflight(
  site: OpenSite,
  hands: Hands,
  seen: Seen,
  options: { readonly archiveBytes: number; readonly to: Releases; readonly lenient: boolean },
): Promise<readonly Check[]> {
  const { lenient, archiveBytes } = options;
  const { services, replicas, views } = seen;
  const names: readonly string[] = services.map((one) => one.name);
  const ours = hands.all().filter((one) => names.includes(one.container.group));
  const states = ours.map(({ container }) =>
    replicaOf(container.name, container.group, replicas.get(container.name)!, views),
  );

  const stopped = ours
    .filter((one) => one.state !== 'running')
    .map((one) => `${one.container.name} is ${one.state}`);
  const ill = states.filter((one) => !one.ready).map((one) => `${one.name}: ${replicas.get(one.name)!.why}`);
  const out = states
    .filter((one) => one.ready && one.rotation === 'out')
    .map((one) => `${one.name} gets no requests from every HAProxy`);
  const none = states.filter((one) => one.release === null).map((one) => `${one.name} has no release`);

  const silent = hands
    .of('haproxy')
    .filter((_, index) => views[index] === null)
    .map((one) => one.container.name);
  // An archive, what is unpacked of it, and room to breathe.
  const needed = archiveBytes * 6 + 64 * 1024 * 1024;
  const full = [...replicas].flatMap(([name, { free }]) =>
    free !== null && free < needed ? [`${name} has ${mib(free)} free, wants ${mib(needed)}`] : [],
  );
  const room = await statfs(site.folder.path).catch(() => null);
  const here = room ? room.bavail * room.bsize : null;

  return [
    await quorum(site),
    check('containers run', stopped, `${ours.length} run`, lenient),
    check('replicas are healthy', [...ill, ...out], `${states.length} are ready and in rotation`, lenient),
    check('releases are known', none, 'every replica has one'),
    check(
      'HAProxy answers',
      silent.map((name) => `${name} does not answer at its socket`),
      `${views.length} answer`,
    ),
    await database(site, hands, lenient),
    check('room in the containers', full, `at least ${mib(needed)} each`),
    check(
      'room for the backup',
      here !== null && here < 256 * 1024 * 1024 ? [`${mib(here)} free in ${site.folder.path}`] : [],
      here === null ? 'not known' : `${mib(here)} free`,
    ),
    check(
      'no outage',
      outages(states, names).map((name) => `${name} has one replica: nobody answers while it is exchanged`),
      'every service has another replica',
      true,
    ),
  ];
}

const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;

async function quorum(site: OpenSite): Promise<Check> {
  const status = await site.client.request<
    readonly { type: string; quorate?: number; name?: string; online?: number }[]
  >('GET', '/cluster/status');
  const cluster = status.find((one) => one.type === 'cluster');
  const away = status.filter((one) => one.type === 'node' && one.online !== 1).map((one) => one.name);
  // A node of its own has no cluster, and nothing to vote on.
  if (cluster && cluster.quorate !== 1) return check('the cluster is quorate', ['it is not'], '');
  return check(
    'the cluster is quorate',
    away.map((name) => `${name} is offline`),
    'all nodes are there',
    true,
  );
}

async function database(site: OpenSite, hands: Hands, lenient: boolean): Promise<Check> {
  const members = await patroniCluster(hands);
  const wrong: string[] = [];
  if (members === null) wrong.push('no member of Patroni answers');
  else {
    if (!members.some((one) => one.role === 'leader' && one.state === 'running'))
      wrong.push('Patroni has no leader');
    const { members: count, synchronous } = site.inventory.data.postgres;
    if (synchronous && count > 1 && !members.some((one) => /sync_standby|quorum_standby/.test(one.role))) {
      wrong.push('there is no synchronous replica');
    }
  }
  return check('PostgreSQL is healthy', wrong, `${members?.length} members`, lenient);
}
