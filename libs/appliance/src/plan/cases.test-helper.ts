import { example } from '../inventory/example.test-helper.ts';
import type { Inventory } from '../inventory/schema.ts';
import { type Desired, type DesiredOptions, desiredOf } from './desired.ts';
import { carryOut, emptyCluster } from './model.test-helper.ts';
import type { Observed, ObservedConfig, ObservedGuest, ObservedInside } from './observed.ts';
import { plan } from './plan.ts';

export const wish = (inventory: Inventory = example(), options: Partial<DesiredOptions> = {}): Desired =>
  desiredOf(inventory, undefined, { digestOf: ({ id }) => `${id}`.repeat(8), ...options });

export const apply = (desired: Desired, observed: Observed): Observed =>
  plan(desired, observed).steps.reduce((at, step) => carryOut(desired, at, step), observed);

export const desired = wish();
export const empty = emptyCluster(example().sites[0]!);
export const whole = apply(desired, empty);
export const ids = (plan_: { readonly steps: readonly { readonly id: string }[] }) =>
  plan_.steps.map(({ id }) => id);

/** The cluster with one of its guests changed. */
export const having = (
  observed: Observed,
  id: number,
  change: (guest: ObservedGuest) => ObservedGuest | null,
): Observed => ({
  ...observed,
  guests: observed.guests.flatMap((guest) => (guest.id === id ? (change(guest) ?? []) : guest)),
});
export const config = (id: number, change: Partial<ObservedConfig>, from = whole) =>
  having(from, id, (guest) => ({ ...guest, config: { ...guest.config!, ...change } }));
export const inside = (id: number, change: Partial<ObservedInside>, from = whole) =>
  having(from, id, (guest) => ({ ...guest, inside: { ...guest.inside!, ...change } }));
