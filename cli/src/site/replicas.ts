import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '@psa/appliance/deploy/rollout';
import type { Container } from '@psa/appliance/inventory/expand';
import { rotationOf, type ServerState } from '@psa/appliance/parts/haproxy-stats';
import type { ObservedInside } from '@psa/appliance/plan/observed';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { lookInto, PSA_RELEASE } from './look.ts';
import { smokeReplica } from './smoke.ts';

/** One that cannot be asked has and does nothing. */
export const NOTHING: ObservedInside = {
  ...{ digest: null, changed: [], missing: [], units: {}, current: null, installed: [], running: null },
  ...{ unready: 'it does not answer', free: null },
};

/** Asks one replica. */
export async function lookAt(cluster: Cluster, container: Container): Promise<ObservedInside> {
  const [placed] = (await cluster.placed(container.group)).filter((one) => one.container.id === container.id);
  if (!placed?.node) return { ...NOTHING, unready: 'the cluster has no such container' };
  const { seen, failures } = await lookInto(cluster, [{ container, node: placed.node }]);
  return (
    seen.get(container.id)?.inside ?? { ...NOTHING, unready: failures.get(container.id) ?? NOTHING.unready }
  );
}

/**
 * A replica for the decision what comes next.
 * @param views of a HAProxy that does not answer: null
 */
export function replicaOf(
  { name, group }: Container,
  { current, running, unready }: ObservedInside,
  views: readonly (readonly ServerState[] | null)[],
  stale = false,
): Replica {
  const answering = views.filter((view) => view !== null);
  const rotation = rotationOf(answering, group, name);
  return { name, service: group, release: current, running, ready: unready === null, rotation, stale };
}

/** A unit that failed too often is given a new chance. */
const RESTART = 'systemctl reset-failed "$1" 2>/dev/null; systemctl restart "$1"';

/** Restarts a service. */
export async function restart(cluster: Cluster, { id, group }: Container): Promise<void> {
  await cluster.must(id, ['sh', '-c', RESTART, 'restart', `psa@${group}.service`]);
}

/**
 * Switches a replica to a release, restarts it, and answers when it is ready and has passed its tests.
 * @param between what is done to it when its release is another and its process still the old one
 */
export async function switchReplica(
  cluster: Cluster,
  container: Container,
  release: string,
  { patienceMs, between }: { readonly patienceMs: number; between?(): Promise<void> },
): Promise<void> {
  const { id, name, group } = container;
  await cluster.must(id, [PSA_RELEASE, 'switch', release]);
  await between?.();
  await restart(cluster, container);
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const seen = await lookAt(cluster, container);
    if (seen.unready === null && seen.running === release) break;
    if (performance.now() >= deadline) {
      throw new CliError(`Unable to start ${release} of ${group} in ${name}.`, {
        why:
          seen.unready === null
            ? `What answers there is ${seen.running}.`
            : `It is not ready after ${Math.round(patienceMs / 1000)} s: ${seen.unready}.${seen.running === null ? await lastWords(cluster, container) : ''}`,
      });
    }
    await sleep(500, undefined, { signal: cluster.signal });
  }
  await smokeReplica(cluster, container);
}

/** Why it does not even run is often in its last line. */
export async function lastWords(cluster: Cluster, { id, group }: Container): Promise<string> {
  const argv = ['journalctl', '-u', `psa@${group}.service`, '-n', '1', '-o', 'cat', '--no-pager'];
  const { stdout } = await cluster.exec(id, argv).catch(() => ({ stdout: '' }));
  return stdout.trim() === '' ? '' : ` Its last words: ${stdout.trim().slice(-300)}`;
}
