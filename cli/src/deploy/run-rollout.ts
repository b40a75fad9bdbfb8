import { nextStep, type Replica, type Rollout, type Step, turnBack } from '@psa/appliance/deploy/rollout';

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
}

/** How a rollout ended. */
export interface RolloutEnd {
  readonly rollout: Rollout;
  /** Replicas that could not be brought onto their release, and why. */
  readonly lost: readonly { readonly replica: string; readonly why: string }[];
}

/** On the way back there is no other way: a step is tried so often. */
const TRIES_BACK = 3;

/**
 * Goes step by step until nothing is left to do. A step that fails turns it back, for good. A replica that cannot be
 * brought back is let go and the others go on, as far as enough of its service remain.
 */
export async function runRollout(
  start: Rollout,
  world: RolloutWorld,
  signal: AbortSignal,
): Promise<RolloutEnd> {
  let rollout = start;
  const lost = new Map<string, string>();
  const tries = new Map<string, number>();
  const giveUp = async (replica: string, why: string) => {
    lost.set(replica, why);
    await world.letGo(replica).catch(() => {});
  };
  for (;;) {
    signal.throwIfAborted();
    const step = nextStep(rollout, await world.observe(), new Set(lost.keys()));
    if (step.action === 'done') break;
    if (step.action === 'stuck') {
      const why = `${step.replicas.join(', ')} ${step.replicas.length === 1 ? 'is' : 'are'} out of rotation`;
      if (rollout.reason !== null) {
        world.note(`Stopped: ${why}.`);
        break;
      }
      rollout = await back(rollout, why);
      continue;
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
