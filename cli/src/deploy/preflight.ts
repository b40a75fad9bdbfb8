import { statfs } from 'node:fs/promises';
import { outages, type Releases } from '@psa/appliance/deploy/rollout';
import { partOf } from '@psa/appliance/parts/parts';
import type { Cluster } from '../site/cluster.ts';
import { type Seen, statesOf } from '../site/rollout.ts';

/** One thing that was looked at before anything is done. */
export interface Check {
  readonly check: string;
  /** `warning`: it is said, and does not stop the deploy. */
  readonly result: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** --force goes on without it. */
  readonly forcible: boolean;
}

const check = (name: string, wrong: readonly string[], fine: string, soft: boolean | null = null): Check => ({
  check: name,
  result: wrong.length === 0 ? 'ok' : soft ? 'warning' : 'failed',
  detail: wrong.length === 0 ? fine : wrong.join('; '),
  forcible: soft !== null,
});

/** Whether the cluster can bear that one replica after the other is taken out. */
export async function preflight(
  cluster: Cluster,
  seen: Seen,
  options: { readonly archiveBytes: number; readonly to: Releases; readonly lenient: boolean },
): Promise<readonly Check[]> {
  const { site } = cluster;
  const { lenient, archiveBytes } = options;
  const { replicas, inside, views } = seen;
  const states = statesOf(seen);
  const why = (name: string) =>
    inside.get(replicas.find(({ container }) => container.name === name)!.container.id)!.unready;

  const stopped = replicas
    .filter((one) => one.state !== 'running')
    .map((one) => `${one.container.name} is ${one.state}`);
  const ill = states.filter((one) => !one.ready).map((one) => `${one.name}: ${why(one.name)}`);
  const out = states
    .filter((one) => one.ready && one.rotation === 'out')
    .map((one) => `${one.name} gets no requests from every HAProxy`);
  const none = states.filter((one) => one.release === null).map((one) => `${one.name} has no release`);

  const silent = site.containers
    .filter(({ group }) => group === 'haproxy')
    .filter((_, index) => views[index] === null)
    .map(({ name }) => name);
  // An archive, what is unpacked of it, and room to breathe.
  const needed = archiveBytes * 6 + 64 * 1024 * 1024;
  const full = replicas.flatMap(({ container }) => {
    const { free } = inside.get(container.id)!;
    return free !== null && free < needed
      ? [`${container.name} has ${mib(free)} free, wants ${mib(needed)}`]
      : [];
  });
  const room = await statfs(site.folder.path).catch(() => null);
  const here = room ? room.bavail * room.bsize : null;

  return [
    await quorum(cluster),
    check('containers run', stopped, `${replicas.length} run`, lenient),
    check('replicas are healthy', [...ill, ...out], `${states.length} are ready and in rotation`, lenient),
    check('releases are known', none, 'every replica has one'),
    check(
      'HAProxy answers',
      silent.map((name) => `${name} does not answer at its socket`),
      `${views.length} answer`,
    ),
    database(cluster, seen, lenient),
    check('room in the containers', full, `at least ${mib(needed)} each`),
    check(
      'room for the backup',
      here !== null && here < 256 * 1024 * 1024 ? [`${mib(here)} free in ${site.folder.path}`] : [],
      here === null ? 'not known' : `${mib(here)} free`,
    ),
    check(
      'no outage',
      outages(states, Object.keys(options.to)).map(
        (name) => `${name} has one replica: nobody answers while it is exchanged`,
      ),
      'every service has another replica',
      true,
    ),
  ];
}

const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;

async function quorum(cluster: Cluster): Promise<Check> {
  const status =
    await cluster.get<readonly { type: string; quorate?: number; name?: string; online?: number }[]>(
      '/cluster/status',
    );
  const head = status.find((one) => one.type === 'cluster');
  const away = status.filter((one) => one.type === 'node' && one.online !== 1).map((one) => one.name);
  // A node of its own has no cluster, and nothing to vote on.
  if (head && head.quorate !== 1) return check('the cluster is quorate', ['it is not'], '');
  return check(
    'the cluster is quorate',
    away.map((name) => `${name} is offline`),
    'all nodes are there',
    true,
  );
}

function database({ site }: Cluster, { postgres }: Seen, lenient: boolean): Check {
  const trouble = partOf('postgres')!.trouble(site.inventory, postgres);
  return check(
    'PostgreSQL is healthy',
    trouble === null ? [] : [trouble],
    `${postgres.length} members`,
    lenient,
  );
}
