import { setTimeout as sleep } from 'node:timers/promises';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import type { Step } from '@psa/appliance/plan/step';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { locate, Hands as Placed } from '../deploy/hands.ts';
import { migrateDatabase } from '../deploy/migrate.ts';
import {
  create,
  createPool,
  join,
  move,
  remove,
  resize,
  start,
  update,
  uploadTemplate,
  type Work,
} from './container-steps.ts';
import type { SecretRecord } from './folder.ts';
import { manage, releaseFromHa, removeGroup, removeRule, setGroup, setRule } from './ha-steps.ts';
import { configure, install, smoke, switchRelease, waitForPart, waitReady } from './inside-steps.ts';
import type { Worker } from './run-steps.ts';

/** What the steps of an apply need to know. */
export interface ApplyWork extends Work {
  readonly secrets: SecretRecord;
  /** PVE 8: groups in place of rules. */
  readonly byGroups: boolean;
}

/** How long a step waits for a cluster or node that does not answer: nodes restart. It looks first what is left to do. */
const AWAY_MS = 90_000;

/** Does the steps of an apply. */
export const applyWorker = (work: ApplyWork): Worker =>
  patient(work.hands.signal, (step) => carryOut(work, step));

/** Tries again what the cluster could not be asked for. */
function patient(signal: AbortSignal, worker: Worker): Worker {
  return async (step) => {
    const deadline = performance.now() + AWAY_MS;
    for (;;) {
      try {
        return await worker(step);
      } catch (error) {
        const isAway =
          error instanceof ProxmoxError &&
          ['network', 'timeout', 'unreachable', 'locked'].includes(error.kind);
        if (!isAway || performance.now() > deadline || signal.aborted) throw error;
        await sleep(3_000, undefined, { signal });
      }
    }
  };
}

async function carryOut(work: ApplyWork, step: Step): Promise<void> {
  const { desired, hands, secrets } = work;
  const key = step.id.slice(step.action.length + 1);
  const container = (): DesiredContainer => desired.containers.find(({ id }) => id === step.container)!;
  switch (step.action) {
    case 'create':
      return key.startsWith('pool:') ? createPool(work) : create(work, step, container());
    case 'upload':
      return uploadTemplate(work, step);
    case 'replace':
      return remove(work, step, step.container!, false);
    case 'remove':
      return key.startsWith('rule:')
        ? removeRule(hands, key.slice(5))
        : remove(work, step, step.container!, true);
    case 'join':
      return join(work, step.container!);
    case 'update':
      return update(work, container());
    case 'resize':
      return resize(work, step, container());
    case 'move':
      return move(work, step, container());
    case 'start':
      return start(work, step, container());
    case 'configure':
      return configure(hands, step, container(), secrets);
    case 'wait':
      return key.startsWith('part:') ? waitForPart(hands, key.slice(5)) : waitReady(hands, container());
    case 'install':
      return install(hands, container());
    case 'switch':
      return switchRelease(hands, container());
    case 'migrate': {
      const placed = new Placed(hands.site, await locate(hands.site, hands.signal), hands.signal);
      await migrateDatabase(hands.site, placed, container().name, container().release!);
      return;
    }
    case 'manage':
      return manage(hands, desired, step.container!, work.byGroups);
    case 'unmanage':
      return releaseFromHa(hands, `ct:${step.container}`);
    case 'rule':
      return setRule(hands, desired, key);
    case 'group':
      return setGroup(hands, desired, key);
    case 'smoke':
      return smoke(hands, secrets);
  }
}

/** Does the steps of a destroy. */
export function destroyWorker(work: Parameters<typeof remove>[0]): Worker {
  const { hands, desired } = work;
  return patient(hands.signal, async (step) => {
    const [kind, ...name] = step.id.slice('remove:'.length).split(':');
    if (kind === 'ct') return remove(work, step, step.container!, true);
    if (kind === 'rule') return removeRule(hands, name.join(':'));
    if (kind === 'group') return removeGroup(hands, name.join(':'));
    const pools = await hands.get<readonly { poolid: string }[]>('/pools');
    if (pools.some(({ poolid }) => poolid === desired.pool))
      await hands.write('DELETE', '/pools', { poolid: desired.pool });
  });
}
