import {
  isUp,
  isWaiting,
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
  /** Waits until these are up, or one of them runs no more, as long as a replica may take to get ready; looks anew. */
  recover(names: ReadonlySet<string>): Promise<readonly Replica[]>;
}

/** How a rollout ended. */
export interface RolloutEnd {
  readonly rollout: Rollout;
  /** Replicas that could not be brought onto their release, and why. */
  readonly lost: readonly { readonly replica: string; readonly why: string }[];
}

/** On the way back there is no other way: a step is tried so often. */
const TRIES_BACK = 5;
/** A release whose replicas are unready again and again is not waited for for ever. */
const WAITS = 3;

/**
 * Goes step by step until nothing is left to do, and all still run a while later. A step that fails turns it back, for
 * good, and so does a replica that ran the new release and fell. One that cannot be brought back is let go and the
 * others go on, as far as enough of its service remain.
 * @param beside replicas that count among those that serve, and are not touched
 */
export async function runRollout(
  start: Rollout,
  world: RolloutWorld,
  signal: AbortSignal,
  beside: ReadonlySet<string> = new Set(),
): Promise<RolloutEnd> {
  let rollout = start;
  const lost = new Map<string, string>();
  const tries = new Map<string, number>();
  const switched = new Set<string>();
  const switchedBack = new Map<string, number>();
  let waits = 0;
  const giveUp = async (replica: string, why: string) => {
    lost.set(replica, why);
    await world.letGo(replica).catch(() => {});
  };
  for (;;) {
    signal.throwIfAborted();
    const seen = await world.observe();
    const step = nextStep(rollout, seen, new Set([...beside, ...lost.keys()]));
    if (step.action === 'done') {
      if (rollout.reason !== null) break;
      const fallen = unsettled(rollout, await world.prove()).filter(({ name }) => !beside.has(name));
      if (fallen.length === 0) break;
      // Those that came back by themselves are proven anew, so that one that falls again and again is seen.
      const still = await unrecovered(fallen);
      if (still.length === 0) continue;
      const names = still.map((one) => one.name).join(', ');
      rollout = await back(rollout, `${names}: ${fate(still, 'the new release')}`);
      continue;
    }
    if (step.action === 'stuck') {
      const why = `${step.replicas.join(', ')} ${step.replicas.length === 1 ? 'is' : 'are'} out of rotation`;
      if (rollout.reason !== null) {
        world.note(`Stopped: ${why}.`);
        // Nobody failed, and yet it is not back: one beside them does not serve.
        if (lost.size === 0)
          for (const { name } of unsettled(rollout, seen)) if (!beside.has(name)) lost.set(name, why);
        break;
      }
      rollout = await back(rollout, why);
      continue;
    }
    if (step.action === 'switch' && rollout.reason === null) {
      if (switched.has(step.replica)) {
        const still = await unrecovered((await world.observe()).filter((one) => one.name === step.replica));
        if (still.length === 0) continue;
        rollout = await back(rollout, `${step.replica}: ${fate(still, step.release)}`);
        continue;
      }
      switched.add(step.replica);
    }
    if (step.action === 'switch' && rollout.reason !== null) {
      const turns = (switchedBack.get(step.replica) ?? 0) + 1;
      switchedBack.set(step.replica, turns);
      // Ready when it is switched, and not a moment later.
      if (turns > TRIES_BACK) {
        await giveUp(step.replica, `runs ${step.release} and does not stay ready`);
        continue;
      }
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

  /** Waits for those that may be well without the release's doing. @returns those that are not even then */
  async function unrecovered(fallen: readonly Replica[]): Promise<readonly Replica[]> {
    if (waits++ >= WAITS || !fallen.every((one) => isWaiting(rollout, one))) return fallen;
    // A drain is taken back by the next step, and by no waiting.
    const names = new Set(fallen.filter((one) => !isUp(rollout, one)).map((one) => one.name));
    if (names.size === 0) return [];
    world.note(`${[...names].join(', ')}: not ready; waiting whether that passes`);
    return (await world.recover(names)).filter((one) => names.has(one.name) && !isUp(rollout, one));
  }

  function fate(fallen: readonly Replica[], release: string): string {
    return fallen.every((one) => isWaiting(rollout, one))
      ? `ran ${release}, was no longer ready and did not get ready again`
      : `ran ${release} for a moment, and then no more`;
  }

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
