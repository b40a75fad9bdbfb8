import { lasting } from './duration.ts';

/** What the follower on the standby's `ops` says of itself (`psa-follow state`). Moments in ms since 1970. */
export interface FollowState {
  /** The clock there. */
  readonly now: number;
  /** What its database says that it is; `none`: it does not run, or is still being made. */
  readonly role: 'standby_leader' | 'primary' | 'none';
  /** The last commit of the other site that its database has; null: it has seen none. */
  readonly replayed_at: number | null;
  /** Bytes of the log that have come and are not in the database yet. */
  readonly behind_bytes: number;
  /** Room where the repository is. */
  readonly free_bytes: number | null;
  readonly log: FollowRound;
  readonly copies: FollowRound;
  /** The newest piece of the log that has come: `000000010000000000000007`. */
  readonly newest: string | null;
}

/** How one of its two ways is. */
export interface FollowRound {
  /** When the last round began that came to its end. */
  readonly at: number | null;
  /** By the other site's clock: everything that was in its repository then is here. */
  readonly has_until: number | null;
  /** Why the last round did not come to its end; null: it did. */
  readonly failing: string | null;
  readonly failing_since: number | null;
}

/** Reads what `psa-follow state` prints; null: it is none of that. */
export function readFollowState(text: string): FollowState | null {
  const facts = new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^([a-z_.]+) (.*)$/.exec(line.trim()) ?? [];
      return key === undefined ? [] : [[key, value!] as const];
    }),
  );
  const number = (key: string): number | null => {
    const value = facts.get(key) ?? '';
    return /^\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const moment = (key: string): number | null => {
    const value = number(key);
    return value === null || value === 0 ? null : value * 1000;
  };
  const now = moment('now');
  if (now === null) return null;
  const round = (name: string): FollowRound => ({
    ...{ at: moment(`${name}.at`), has_until: moment(`${name}.has_until`) },
    ...{ failing: facts.get(`${name}.failing`) ?? null, failing_since: moment(`${name}.failing_since`) },
  });
  return {
    ...{ now, role: roleOf(facts.get('role')), replayed_at: moment('replayed_at') },
    ...{ behind_bytes: number('behind') ?? 0, free_bytes: number('free') },
    ...{ log: round('log'), copies: round('copies') },
    newest: facts.get('log.newest') || null,
  };
}

/** Patroni's older releases say `master`. */
const roleOf = (word: string | undefined): FollowState['role'] =>
  word === 'standby_leader' ? word : word === 'master' || word === 'primary' ? 'primary' : 'none';

/** What is wrong with a standby, and what to do. */
export interface StandbyTrouble {
  readonly kind: 'not_following' | 'silent' | 'behind' | 'copies' | 'room';
  readonly why: string;
  readonly fix: string;
}

/** How long nothing may come from the other site before it is said: many rounds. In ms. */
export const SILENT_MS = 5 * 60_000;
/** Bytes that have come and that the database does not take over: 64 pieces. */
export const BEHIND_BYTES = 2 ** 30;
/** A round of the copies may bring a copy of everything. In ms. */
const COPIES_MS = 24 * 3_600_000;
/** Room below which the next copy may not fit. */
const ROOM_BYTES = 2 ** 30;

/**
 * What would be lost with the primary now, in ms: what was written since the last commit that has come. Where its site has
 * written nothing, everything is here up to the last time that it was asked, less the time that a piece of the log may take to
 * get into its repository. Null: nothing could be gone on with.
 * @param handedOverMs how old a piece becomes before it is in the primary's repository
 */
export function standbyLoss(
  { role, replayed_at, behind_bytes, log, now }: FollowState,
  handedOverMs: number,
  at: number = now,
): number | null {
  if (role === 'none') return null;
  // Its log is read up to what has come, so what has come is what it has.
  const quiet = behind_bytes === 0 && log.has_until !== null ? log.has_until - handedOverMs : null;
  const until = Math.max(replayed_at ?? 0, quiet ?? 0);
  return until === 0 ? null : Math.max(0, at - until);
}

/** What is wrong with a standby that follows, the worst first. @param sites names, for people */
export function standbyTroubles(
  state: FollowState,
  { from, to }: { readonly from: string; readonly to: string },
): readonly StandbyTrouble[] {
  const { now, role, log, copies, behind_bytes, free_bytes } = state;
  const anew = `Have it made anew from the repository of ${from}: psactl dr follow --anew`;
  const since = (moment: number | null) => (moment === null ? 'ever' : `for ${lasting(now - moment)}`);
  const isSilent = log.at === null || now - log.at > SILENT_MS;
  const why = log.failing ?? copies.failing;
  return [
    ...(role === 'primary'
      ? [
          {
            kind: 'not_following' as const,
            why: `The database of ${to} takes writes by itself: somebody has promoted it, and it no longer follows ${from}.`,
            fix: `Unless ${to} serves: ${anew}`,
          },
        ]
      : []),
    ...(role === 'none'
      ? [
          {
            kind: 'not_following' as const,
            why: `No database follows at ${to}${why ? `: ${why}` : ': it is not made yet, or does not run'}.`,
            fix: `See "psactl logs" of its members. Where it can no longer go on from what it has: ${anew}`,
          },
        ]
      : []),
    ...(isSilent
      ? [
          {
            kind: 'silent' as const,
            why: `Nothing has come from ${from} ${since(log.at)}${log.failing ? `: ${log.failing}` : '.'}`,
            fix: /another one there/.test(log.failing ?? '')
              ? `The database of ${from} was made anew since. ${anew}`
              : /No space left/.test(log.failing ?? '')
                ? `Give the "ops" of ${to} more disk_gb.`
                : `Look at dr.feed, the firewall of both sites and psa-feed.service in "ops" of ${from}. Were the secrets of ${from} changed: psactl dr follow`,
          },
        ]
      : []),
    ...(role === 'standby_leader' && behind_bytes > BEHIND_BYTES
      ? [
          {
            kind: 'behind' as const,
            why: `The database of ${to} has not taken over ${Math.round(behind_bytes / 1024 ** 2)} MiB of log that have come.`,
            fix: `See PostgreSQL's log there. Is a piece missing that is no longer in the repository: ${anew}`,
          },
        ]
      : []),
    ...(copies.at !== null && now - copies.at > COPIES_MS
      ? [
          {
            kind: 'copies' as const,
            why: `No copy of the database has come ${since(copies.at)}${copies.failing ? `: ${copies.failing}` : '.'}`,
            fix: `See "psactl backup list --site ${from}" for one in its repository.`,
          },
        ]
      : []),
    ...(free_bytes !== null && free_bytes < ROOM_BYTES
      ? [
          {
            kind: 'room' as const,
            why: `The repository at ${to} has ${Math.round(free_bytes / 1024 ** 2)} MiB of room left.`,
            fix: `Give the "ops" of ${to} more disk_gb.`,
          },
        ]
      : []),
  ];
}
