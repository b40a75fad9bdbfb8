import { type DesiredContainer, sidOf } from '@psa/appliance/plan/desired';
import type { Release } from '@psa/appliance/plan/releases';
import type { Step } from '@psa/appliance/plan/step';
import { type Clock, systemClock } from '@psa/proxmox/client/clock';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { SecretRecord } from '../site/folder.ts';
import { migrateDatabase } from '../site/migrate.ts';
import { smokeEdge } from '../site/smoke.ts';
import {
  create,
  createPool,
  join,
  move,
  remove,
  removePool,
  resize,
  start,
  update,
  uploadTemplate,
  type Work,
} from './container-steps.ts';
import { manage, releaseFromHa, removeGroup, removeRule, setGroup, setRule } from './ha-steps.ts';
import { handOver } from './hand-over.ts';
import {
  configure,
  install,
  keepData,
  keepServed,
  switchRelease,
  takeOut,
  waitForPart,
  waitReady,
} from './inside-steps.ts';
import { exchange } from './rollout-step.ts';
import type { Worker } from './run-steps.ts';

/** What the steps of an apply need to know. */
export interface ApplyWork extends Work {
  readonly secrets: SecretRecord;
  readonly release: Release;
  /** Tells people what happens within a step. */
  note(text: string): void;
}

/** How long a step waits for a cluster or node that does not answer: nodes restart. It looks first what is left to do. */
const AWAY_MS = 90_000;

/** Does the steps of an apply. */
export const applyWorker = (work: ApplyWork): Worker =>
  patient(work.cluster.signal, (step) => carryOut(work, step));

/**
 * Tries again what the cluster could not be asked for, from the first time on that it could not. A lock was waited for
 * by the client already, as long as it says.
 */
export function patient(
  signal: AbortSignal,
  worker: Worker,
  clock: Pick<Clock, 'now' | 'sleep'> = systemClock,
): Worker {
  return async (step) => {
    let deadline: number | null = null;
    for (;;) {
      try {
        return await worker(step);
      } catch (error) {
        const isAway =
          error instanceof ProxmoxError && ['network', 'timeout', 'unreachable'].includes(error.kind);
        deadline ??= clock.now() + AWAY_MS;
        if (!isAway || clock.now() > deadline || signal.aborted) throw error;
        await clock.sleep(3_000, signal);
      }
    }
  };
}

async function carryOut(work: ApplyWork, step: Step): Promise<void> {
  const { desired, cluster, secrets } = work;
  const { deed } = step;
  const container = (): DesiredContainer => desired.containers.find(({ id }) => id === step.container)!;
  const membersOf = (name: string) => desired.containers.filter(({ group }) => group === name);
  const out = async () => {
    const one = container();
    const others = membersOf(one.group).filter(({ id }) => id !== one.id);
    await keepData(cluster, one, others);
    await handOver(cluster, one, work.note);
    await takeOut(cluster, one, others, work.note);
  };
  switch (deed.kind) {
    case 'create-pool':
      return createPool(work);
    case 'upload':
      return uploadTemplate(work, deed.template);
    case 'create':
      return create(work, step, container());
    case 'replace':
      return remove(work, step, deed.container, {
        wholly: false,
        before: out,
      });
    case 'join':
      return join(work, deed.container);
    case 'update':
      return update(work, container());
    case 'resize':
      return resize(work, step, container());
    case 'move':
      return move(work, step, container(), out);
    case 'start':
      return start(work, step, container());
    case 'configure':
      return configure(cluster, step, container(), secrets);
    case 'ready':
      return waitReady(cluster, container(), work.note);
    case 'part':
      return waitForPart(cluster, deed.part);
    case 'install':
      return install(cluster, container());
    case 'switch':
      return switchRelease(cluster, container());
    case 'rollout':
      return exchange(
        cluster,
        desired.containers.filter(({ id }) => deed.replicas.includes(id)),
        desired.containers.filter(({ id }) => deed.beside.includes(id)),
        { note: work.note, configure: (one) => configure(cluster, step, one, secrets) },
      );
    case 'migrate':
      return migrateDatabase(cluster, deed.container, deed.release);
    case 'manage':
      return manage(cluster, desired, deed.container, work.release);
    case 'unmanage':
      return releaseFromHa(cluster, sidOf(deed.container));
    case 'rule':
      return setRule(cluster, desired, deed.rule);
    case 'group':
      return setGroup(cluster, desired, deed.group);
    case 'remove':
      return remove(work, step, deed.container, {
        wholly: true,
        async before({ group, container: name }) {
          const rest = membersOf(group);
          await keepData(cluster, { id: deed.container, name, group }, rest);
          const replicas = rest.filter((one) => one.kind === 'service');
          await keepServed(cluster, name, replicas, work.note);
        },
      });
    case 'schedule': {
      const { carryAgain } = await import('../ops/carry.ts');
      return carryAgain(cluster, container());
    }
    case 'smoke':
      return smokeEdge(cluster, secrets.tls_pem ?? '');
    default:
      return takeAway(work, step);
  }
}

/** What a destroy does, and a plan with what nobody wants any more. */
async function takeAway(work: Parameters<typeof remove>[0], step: Step): Promise<void> {
  const { cluster } = work;
  const { deed } = step;
  switch (deed.kind) {
    case 'remove':
      return remove(work, step, deed.container, { wholly: true });
    case 'remove-rule':
      return removeRule(cluster, deed.rule);
    case 'remove-group':
      return removeGroup(cluster, deed.group);
    case 'remove-pool':
      return removePool(cluster, deed.pool);
    default:
      throw new Error(`Nobody knows how to do the step ${step.id}.`);
  }
}

/** Does the steps of a destroy. */
export const destroyWorker = (work: Parameters<typeof remove>[0]): Worker =>
  patient(work.cluster.signal, (step) => takeAway(work, step));
