import type { Inventory } from '@psa/appliance/inventory/schema';

/** Backups at the same time where the inventory does not say. */
const PARALLEL = 2;

/** How much of the machines a run may take. */
export interface Limits {
  readonly parallel: number;
  /** Of each part; null: as fast as it goes. */
  readonly bandwidth_mib: number | null;
  readonly priority: 'low' | 'normal';
}

/**
 * The limits of a site. Where the inventory says nothing a run takes what nobody else wants: a limit in MiB would make it
 * as slow in an idle night as in a busy one, a low priority only in the busy one.
 */
export const limitsOf = ({ limits }: Inventory['backup']): Limits => ({
  parallel: limits?.parallel ?? PARALLEL,
  bandwidth_mib: limits?.bandwidth_mib ?? null,
  priority: limits?.priority ?? 'low',
});

/** For people. */
export const limitsText = ({ parallel, bandwidth_mib, priority }: Limits): string =>
  [
    `${parallel} at a time`,
    bandwidth_mib === null ? 'as fast as it goes' : `${bandwidth_mib} MiB/s each`,
    priority === 'low' ? 'after everything else that wants processor or disk' : 'beside everything else',
  ].join(', ');
