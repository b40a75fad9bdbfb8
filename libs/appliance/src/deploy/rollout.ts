/** Service → release. */
export type Releases = Readonly<Record<string, string>>;

/** One replica as it is seen now. */
export interface Replica {
  /** The container's name. */
  readonly name: string;
  readonly service: string;
  /** The release that `current` leads to; null: none, or it cannot be asked. */
  readonly release: string | null;
  /** The release whose process answers; null: nobody answers. */
  readonly running: string | null;
  readonly ready: boolean;
  /** `serving`: every HAProxy gives it requests · `drained`: one was told not to · `out`: one finds it ill. */
  readonly rotation: 'serving' | 'drained' | 'out';
  /** What stands in it beside the release is not as it shall be. On the way back that stays so. */
  readonly stale: boolean;
}

/** What a rollout wants, and what it came from. */
export interface Rollout {
  readonly to: Releases;
  readonly from: Releases;
  /** Why it goes back to `from`; null: it goes forward. */
  readonly reason: string | null;
}

/**
 * The next thing to do. `drain` ends when the replica has no request left, `switch` when the release runs and its
 * tests passed, `return` when every HAProxy gives it requests again. Each may be done again after it was cut short.
 */
export type Step =
  | { readonly action: 'drain'; readonly replica: string }
  | { readonly action: 'switch'; readonly replica: string; readonly release: string }
  | { readonly action: 'return'; readonly replica: string }
  | { readonly action: 'done' }
  /** Going on would leave a service with two replicas fewer: these first. */
  | { readonly action: 'stuck'; readonly replicas: readonly string[] };

/** The release that a service shall run now. */
export const wantedOf = ({ to, from, reason }: Rollout, service: string): string | undefined =>
  reason === null ? to[service] : from[service];

/** The same rollout on its way back. The first reason is the one that counts. */
export const turnBack = (rollout: Rollout, reason: string): Rollout => ({
  ...rollout,
  reason: rollout.reason ?? reason,
});

/** Replicas whose service the rollout names and that are not yet as they shall be. */
export const unsettled = (rollout: Rollout, replicas: readonly Replica[]): readonly Replica[] =>
  replicas.filter((one) => {
    const wanted = wantedOf(rollout, one.service);
    return wanted !== undefined && !(runs(rollout, one, wanted) && one.rotation === 'serving');
  });

const runs = ({ reason }: Rollout, one: Replica, release: string) =>
  one.release === release && one.running === release && one.ready && !(one.stale && reason === null);

/**
 * Whether it runs what it shall and is only not ready, or found ill: what the release did not break may have, such as
 * a database that is changing its primary.
 */
export function isWaiting(rollout: Rollout, one: Replica): boolean {
  const wanted = wantedOf(rollout, one.service);
  return one.release === wanted && one.running === wanted && !(one.ready && one.rotation === 'serving');
}

/** Whether it would serve if its drain were taken back: there is nothing to wait for. */
export function isUp(rollout: Rollout, one: Replica): boolean {
  const wanted = wantedOf(rollout, one.service);
  return wanted !== undefined && runs(rollout, one, wanted) && one.rotation !== 'out';
}

/**
 * Decides by what is seen alone, so a rollout that was killed anywhere goes on where it stands: whatever is out of
 * rotation comes back first, and only when all replicas serve the next one is drained. So no service ever has fewer
 * than all but one of its replicas in rotation, as long as nothing else fails.
 * @param lost replicas that could not be brought back; nothing is tried with them again
 */
export function nextStep(
  rollout: Rollout,
  replicas: readonly Replica[],
  lost: ReadonlySet<string> = new Set(),
): Step {
  const open = unsettled(rollout, replicas).filter((one) => !lost.has(one.name));
  const first = open.find((one) => one.rotation !== 'serving');
  if (first) {
    const wanted = wantedOf(rollout, first.service)!;
    return runs(rollout, first, wanted)
      ? { action: 'return', replica: first.name }
      : { action: 'switch', replica: first.name, release: wanted };
  }
  const next = open[0];
  if (!next) return { action: 'done' };
  const missing = replicas.filter(
    (one) => one.service === next.service && one.name !== next.name && one.rotation !== 'serving',
  );
  if (missing.length > 0) return { action: 'stuck', replicas: missing.map((one) => one.name) };
  return { action: 'drain', replica: next.name };
}

/** What a rollout that begins now will do, replica by replica, with its reason. */
export function planRollout(
  rollout: Rollout,
  replicas: readonly Replica[],
): readonly {
  readonly replica: string;
  readonly service: string;
  readonly from: string | null;
  readonly to: string;
  readonly reason: string;
}[] {
  return unsettled(rollout, replicas).map((one) => {
    const to = wantedOf(rollout, one.service)!;
    const reason =
      one.release !== to
        ? `has ${one.release ?? 'no release'}`
        : one.running !== to
          ? `${one.running === null ? 'does not run' : `still runs ${one.running}`}`
          : !one.ready
            ? 'is not ready'
            : one.stale && rollout.reason === null
              ? 'has other contents'
              : one.rotation === 'drained'
                ? 'was left drained'
                : 'gets no requests';
    return { replica: one.name, service: one.service, from: one.release, to, reason };
  });
}

/** Services that nobody serves while their only replica is exchanged. */
export function outages(replicas: readonly Replica[], services: readonly string[]): readonly string[] {
  return services.filter((service) => replicas.filter((one) => one.service === service).length === 1);
}
