import {
  nextStep,
  type Replica,
  type Rollout,
  type Step,
  turnBack,
  unsettled,
} from '@psa/appliance/deploy/rollout';

/** What a rollout needs of the world. */
export interface RolloutWorld {
  observe(): Promise<readonly Replica[]>;
  /** Carries out a step; answers when it has ended well. */
  perform(step: Step & { readonly replica: string }): Promise<void>;
  /** Takes a drain back, whatever else is wrong with the replica. */
  letGo(replica: string): Promise<void>;
  /** Makes the direction outlive a kill; called before anything is done in it. */
  save(rollout: Rollout): Promise<void>;
  note(text: string): void;
  /** Waits a while before a step is tried again. */
  rest(): Promise<void>;
  /** Waits a while after the last replica, and looks at all of them anew. */
  prove(): Promise<readonly Replica[]>;
}

/** How a rollout ended. */
export interface RolloutEnd {
  readonly rollout: Rollout;
  /** Replicas that could not be brought onto their release, and why. */
  readonly lost: readonly { readonly replica: string; readonly why: string }[];
}

/** On the way back there is no other way: a step is tried so often. */
const TRIES_BACK = 5;

/**
 * Goes step by step until nothing is left to do, and all still run a while later. A step that fails turns it back, for
 * good, and so does a replica that ran the new release and fell. One that cannot be brought back is let go and the
 * others go on, as far as enough of its service remain.
 */
export async function runRollout(
  start: Rollout,
  world: RolloutWorld,
  signal: AbortSignal,
): Promise<RolloutEnd> {
  let rollout = start;
  const lost = new Map<string, string>();
  const tries = new Map<string, number>();
  const switched = new Set<string>();
  const giveUp = async (replica: string, why: string) => {
    lost.set(replica, why);
    await world.letGo(replica).catch(() => {});
  };
  for (;;) {
    signal.throwIfAborted();
    const step = nextStep(rollout, await world.observe(), new Set(lost.keys()));
    if (step.action === 'done') {
      if (rollout.reason !== null) break;
      const fallen = unsettled(rollout, await world.prove());
      if (fallen.length === 0) break;
      const names = fallen.map((one) => one.name).join(', ');
      rollout = await back(rollout, `${names}: ran the new release for a moment, and then no more`);
      continue;
    }
    if (step.action === 'stuck') {
      const why = `${step.replicas.join(', ')} ${step.replicas.length === 1 ? 'is' : 'are'} out of rotation`;
      if (rollout.reason !== null) {
        world.note(`Stopped: ${why}.`);
        break;
      }
      rollout = await back(rollout, why);
      continue;
    }
    if (step.action === 'switch' && rollout.reason === null) {
      if (switched.has(step.replica)) {
        rollout = await back(rollout, `${step.replica}: ran ${step.release} for a moment, and then no more`);
        continue;
      }
      switched.add(step.replica);
    }
    try {
      await world.perform(step);
    } catch (error) {
      // Interrupted, not failed: the next run goes on from here.
      signal.throwIfAborted();
      const why = said(error);
      if (rollout.reason === null) {
        rollout = await back(rollout, `${step.replica}: ${why}`);
        continue;
      }
      const tried = (tries.get(step.replica) ?? 0) + 1;
      tries.set(step.replica, tried);
      world.note(`${step.replica}: ${why} (try ${tried} of ${TRIES_BACK})`);
      if (tried >= TRIES_BACK) await giveUp(step.replica, why);
      else await world.rest();
    }
  }
  return { rollout, lost: [...lost].map(([replica, why]) => ({ replica, why })) };

  async function back(from: Rollout, reason: string): Promise<Rollout> {
    const turned = turnBack(from, reason);
    await world.save(turned);
    world.note(`Going back: ${reason}`);
    return turned;
  }
}

/** What went wrong and why, in one line. */
export function said(error: unknown): string {
  const { message, why } = error as { message?: string; why?: string };
  return [message ?? String(error), why].filter(Boolean).join(' ');
}
