import { setTimeout as sleep } from 'node:timers/promises';
import {
  isUp,
  isWaiting,
  planRollout,
  type Releases,
  type Replica,
  type Rollout,
} from '@psa/appliance/deploy/rollout';
import type { Container } from '@psa/appliance/inventory/expand';
import { parseServers, type ServerState } from '@psa/appliance/parts/haproxy-stats';
import type { Answer } from '@psa/appliance/parts/part';
import type { ObservedInside } from '@psa/appliance/plan/observed';
import type { Cluster, Placed } from './cluster.ts';
import { HaproxyControl } from './haproxy-control.ts';
import { answersOf, type Looks, lookInto } from './look.ts';
import { lookAt, NOTHING, replicaOf, switchReplica } from './replicas.ts';
import { type RolloutEnd, runRollout } from './run-rollout.ts';

/** What was seen of replicas, and of what stands around them. */
export interface Seen {
  /** In the order of their turns. */
  readonly replicas: readonly Placed[];
  readonly inside: ReadonlyMap<number, ObservedInside>;
  /** How each HAProxy sees the servers; null for one that does not answer. */
  readonly views: readonly (readonly ServerState[] | null)[];
  readonly postgres: readonly Answer[];
}

/** Asks the replicas of these services, every HAProxy and the database. */
export async function lookAtServices(cluster: Cluster, services: readonly string[]): Promise<Seen> {
  const all = await cluster.placed();
  const of = (name: string) => all.filter(({ container }) => container.group === name);
  // The gateway last: its portals may ask for what only the new services answer.
  const turns = services.toSorted((a, b) => Number(a === 'gateway') - Number(b === 'gateway'));
  const replicas = turns.flatMap(of);
  const [edge, database] = [of('haproxy'), of('postgres')];
  const targets = [...replicas, ...edge, ...database].flatMap(({ container, node, state }) =>
    node !== null && state === 'running' ? [{ container, node }] : [],
  );
  const { seen, failures } = await lookInto(cluster, targets);
  const inside = replicas.map(({ container: { id }, state }): [number, ObservedInside] => [
    id,
    seen.get(id)?.inside ?? { ...NOTHING, unready: failures.get(id) ?? `it is ${state}` },
  ]);
  const views = viewsOf(seen, edge);
  return { replicas, inside: new Map(inside), views, postgres: answersOf(seen, database) };
}

/** How each HAProxy sees the servers, as it answered its probe. */
export const viewsOf = (seen: Looks['seen'], edge: readonly Placed[]): Seen['views'] =>
  edge.map(({ container }) => {
    const servers = parseServers(seen.get(container.id)?.probe ?? '');
    return servers.length === 0 ? null : servers;
  });

/** Whether what stands in a replica beside its release is as it shall be. */
export type IsStale = (container: Container, inside: ObservedInside) => boolean;

/** The replicas for the decision what comes next. */
export const statesOf = ({ replicas, inside, views }: Seen, isStale: IsStale = () => false): Replica[] =>
  replicas.map(({ container }) => {
    const one = inside.get(container.id)!;
    return replicaOf(container, one, views, isStale(container, one));
  });

/** What services run: the releases that are known, if a replica still has them, else what most of them have. */
export function releasesOf(seen: Seen, known: Releases): Releases {
  const states = statesOf(seen);
  return Object.fromEntries(
    [...new Set(states.map(({ service }) => service))].flatMap((name) => {
      const all = states.filter((one) => one.service === name).flatMap((one) => one.release ?? []);
      const count = (release: string) => all.filter((one) => one === release).length;
      const last = known[name];
      const before = last && count(last) > 0 ? last : all.sort((a, b) => count(b) - count(a))[0];
      return before === undefined ? [] : [[name, before]];
    }),
  );
}

/** How a rollout goes about it. */
export interface RolloutOptions {
  /** How long requests under way may take before a replica is restarted all the same. */
  readonly drainMs: number;
  /** How long a replica may take until it is ready. */
  readonly readyMs: number;
  /** How long all replicas must keep up after the last one. */
  readonly proveMs: number;
  readonly isStale?: IsStale;
  /** Brings what stands in a replica beside its release in order. */
  freshen?(container: Container): Promise<void>;
  /** Who has a turn, and who must serve meanwhile and is not touched; without it all of the services have one. */
  readonly among?: { readonly turns: ReadonlySet<number>; readonly beside: ReadonlySet<number> };
}

/** Who is told of it. */
export interface RolloutReport {
  /** What begins, and how many replicas it goes through. */
  begin(what: string, replicas?: number): void;
  advance(): void;
  note(text: string): void;
  /** Makes the direction outlive a kill. */
  save(rollout: Rollout): Promise<void>;
}

/** Between two tries to bring a replica back. */
const REST_MS = 10_000;
const RETURN_MS = 30_000;
/** Between two looks at replicas that are not ready. */
const RECOVERY_LOOK_MS = 2_000;

/** Takes one replica after the other out of rotation, exchanges it and brings it back; the only way that this is done. */
export async function rollOut(
  cluster: Cluster,
  rollout: Rollout,
  options: RolloutOptions,
  report: RolloutReport,
): Promise<RolloutEnd> {
  const { signal } = cluster;
  const { among } = options;
  const isBeside = (id: number) => among?.beside.has(id) ?? false;
  const isStale: IsStale = (container, inside) =>
    !isBeside(container.id) && (options.isStale?.(container, inside) ?? false);
  const haproxy = new HaproxyControl(cluster);
  const look = async (): Promise<Seen> => {
    const found = await lookAtServices(cluster, Object.keys(rollout.to));
    const counts = (id: number) => !among || among.turns.has(id) || isBeside(id);
    return { ...found, replicas: found.replicas.filter(({ container: { id } }) => counts(id)) };
  };
  let seen = await look();
  let isBack = rollout.reason !== null;
  const containerOf = (name: string) =>
    seen.replicas.find(({ container }) => container.name === name)!.container;
  const again = async (replica: string, isChanged: boolean) => {
    const container = containerOf(replica);
    const [inside, views] = await Promise.all([
      isChanged ? lookAt(cluster, container) : seen.inside.get(container.id)!,
      haproxy.views(),
    ]);
    seen = { ...seen, views, inside: new Map(seen.inside).set(container.id, inside) };
  };
  const others = seen.replicas.filter(({ container: { id } }) => isBeside(id));
  const beside = new Set(others.map(({ container: { name } }) => name));
  const left = planRollout(rollout, statesOf(seen, isStale)).filter(({ replica }) => !beside.has(replica));
  report.begin('Exchange the replicas', left.length);
  const end = await runRollout(
    rollout,
    {
      observe: async () => statesOf(seen, isStale),
      async perform(step) {
        const container = containerOf(step.replica);
        const { group } = container;
        try {
          if (step.action === 'drain') {
            const left = await haproxy.drain(group, step.replica, options.drainMs);
            if (left > 0)
              report.note(
                `${step.replica}: ${left} connections were still open after ${options.drainMs / 1000} s`,
              );
          } else if (step.action === 'switch') {
            const between = async () => {
              // What could not be brought in must not stand in the way back, too.
              if (!isBack && isStale(container, seen.inside.get(container.id)!))
                await options.freshen?.(container);
            };
            await switchReplica(cluster, container, step.release, { patienceMs: options.readyMs, between });
            report.note(`${step.replica}: runs ${step.release}`);
          } else if (step.action === 'return') {
            await haproxy.return(group, step.replica, RETURN_MS);
            report.advance();
          }
        } finally {
          if (!signal.aborted) await again(step.replica, step.action === 'switch');
        }
      },
      letGo: async (replica) => {
        await haproxy.letGo(containerOf(replica).group, replica);
        await again(replica, true);
      },
      async save(turned) {
        isBack = true;
        await report.save(turned);
        report.begin('Bring the release before back', planRollout(turned, statesOf(seen)).length);
      },
      note: (text) => report.note(text),
      // The HA manager may be bringing it up elsewhere.
      rest: () => sleep(REST_MS, undefined, { signal }),
      async prove() {
        report.begin('See whether they keep up');
        await sleep(options.proveMs, undefined, { signal });
        seen = await look();
        return statesOf(seen, isStale);
      },
      async recover(names) {
        const until = performance.now() + options.readyMs;
        for (;;) {
          seen = await look();
          const states = statesOf(seen, isStale);
          const open = states.filter((one) => names.has(one.name) && !isUp(rollout, one));
          const goesOn = open.length > 0 && open.every((one) => isWaiting(rollout, one));
          if (!goesOn || performance.now() > until) return states;
          await sleep(RECOVERY_LOOK_MS, undefined, { signal });
        }
      },
    },
    signal,
    beside,
  );
  await haproxy.keepState();
  return end;
}
