/** As ISO 8601 counts them: Monday is 1. */
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
type Weekday = (typeof WEEKDAYS)[number];

/** Days that a tier takes its backups from, in the policy's zone. `first-…`: of a month. */
export type TierDays = 'every-day' | Weekday | `first-${Weekday}`;

/** Whether a text names days of a tier. */
export const isTierDays = (text: string): text is TierDays =>
  text === 'every-day' || WEEKDAYS.some((day) => text === day || text === `first-${day}`);

/** One generation: the newest backup of each of its days, so many days back. */
export interface Tier {
  /** `son` */
  readonly name: string;
  readonly on: TierDays;
  /** How many are kept; at least 1. */
  readonly keep: number;
}

/** Grandfather, father, son: a backup may be kept by several tiers, and goes when none keeps it. */
export interface TieredPolicy {
  /** IANA name, such as `Europe/Berlin`; absent: UTC. Decides which day a backup is of. */
  readonly zone?: string;
  readonly tiers: readonly Tier[];
}

/** Options of Proxmox VE's `prune-backups` (PVE::Storage::prune_mark_backup_group). */
export const KEEP_OPTIONS = [
  'keep-last',
  'keep-hourly',
  'keep-daily',
  'keep-weekly',
  'keep-monthly',
  'keep-yearly',
] as const;
export type KeepOption = (typeof KEEP_OPTIONS)[number];

/** As Proxmox VE prunes: option after option, each so many periods that no option before it has covered. */
export interface KeepPolicy extends Readonly<Partial<Record<KeepOption, number>>> {
  readonly zone?: string;
  /** Nothing is ever removed; stands alone. */
  readonly 'keep-all'?: boolean;
}

export type RetentionPolicy = TieredPolicy | KeepPolicy;

/** BDUF §10.1: seven days, four Sundays, twelve first Sundays. */
export const BDUF_TIERS: readonly Tier[] = [
  { name: 'son', on: 'every-day', keep: 7 },
  { name: 'father', on: 'sunday', keep: 4 },
  { name: 'grandfather', on: 'first-sunday', keep: 12 },
];

/** The SAFe document's table: thirty days, twelve weeks, twelve months. */
export const SAFE_TIERS: readonly Tier[] = [
  { name: 'daily', on: 'every-day', keep: 30 },
  { name: 'weekly', on: 'sunday', keep: 12 },
  { name: 'monthly', on: 'first-sunday', keep: 12 },
];

/** A policy that cannot be used; says which field and why. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  /** `tiers[0].keep` */
  readonly field: string;

  constructor(field: string, why: string) {
    super(`Unable to use the retention policy: ${field} ${why}`);
    this.field = field;
  }
}

/**
 * Looks a policy over before anything is decided by it. One that keeps nothing would remove everything, so it is
 * refused.
 * @throws PolicyError
 */
export function checkPolicy(policy: RetentionPolicy): void {
  if (!isObject(policy))
    throw new PolicyError(
      'policy',
      `is ${JSON.stringify(policy)}: write tiers, or ${KEEP_OPTIONS.join(', ')}.`,
    );
  checkZone(policy.zone ?? 'UTC');
  if (isTiered(policy)) {
    if (!Array.isArray(policy.tiers)) throw new PolicyError('tiers', 'is no list of tiers.');
    const other = Object.keys(policy).find((key) => key !== 'zone' && key !== 'tiers');
    // Half of what somebody asked for would be removed without a word.
    if (other !== undefined) throw new PolicyError(other, 'cannot be set together with tiers.');
    if (policy.tiers.length === 0) throw new PolicyError('tiers', 'is empty: nothing would be kept.');
    for (const [index, tier] of policy.tiers.entries()) {
      const field = `tiers[${index}]`;
      if (!isObject(tier)) throw new PolicyError(field, 'is no tier: write its name, on and keep.');
      const { name, on, keep } = tier;
      if (typeof name !== 'string' || name.trim() === '') throw new PolicyError(`${field}.name`, 'is empty.');
      if (!isTierDays(on))
        throw new PolicyError(
          `${field}.on`,
          `is "${on}": write every-day, a day of the week such as sunday, or its first of a month (first-sunday).`,
        );
      if (!Number.isSafeInteger(keep) || keep < 1)
        throw new PolicyError(`${field}.keep`, `is ${keep}: write a whole number from 1.`);
    }
    return;
  }
  const given = Object.keys(policy).filter((key) => key !== 'zone');
  const unknown = given.find(
    (key) => key !== 'keep-all' && !(KEEP_OPTIONS as readonly string[]).includes(key),
  );
  if (unknown !== undefined)
    throw new PolicyError(unknown, `is no option: write keep-all, ${KEEP_OPTIONS.join(', ')}, or tiers.`);
  const counts = KEEP_OPTIONS.map((option) => [option, policy[option]] as const);
  for (const [option, count] of counts)
    if (count !== undefined && (!Number.isSafeInteger(count) || count < 0))
      throw new PolicyError(option, `is ${count}: write a whole number from 0.`);
  const all: unknown = policy['keep-all'];
  // Proxmox writes 1 and 0.
  if (![undefined, true, false, 1, 0].includes(all as never))
    throw new PolicyError('keep-all', `is ${JSON.stringify(all)}: write true or false.`);
  const keepsSome = counts.some(([, count]) => (count ?? 0) > 0);
  if (policy['keep-all'] && keepsSome)
    throw new PolicyError('keep-all', 'cannot be set together with other options.');
  if (!policy['keep-all'] && !keepsSome)
    throw new PolicyError(
      'keep-*',
      'is nowhere above 0: nothing would be kept. To keep everything, write keep-all.',
    );
}

export function isTiered(policy: RetentionPolicy): policy is TieredPolicy {
  return 'tiers' in policy;
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkZone(zone: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
  } catch {
    throw new PolicyError('zone', `is "${zone}": write an IANA name such as Europe/Berlin.`);
  }
}
