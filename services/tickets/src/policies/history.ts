import type { Visibility } from './comment.ts';

/** Something of a ticket's history: what it tells of may have a visibility of its own (a comment, a file). */
export interface Told {
  readonly kind: string;
  readonly about?: Visibility;
}

/** How the desk works is not for customers: who is given a ticket and why, working time, deadlines, deletions and their undoing. */
const STAFF_ONLY = new Set([
  'assigned',
  'escalated',
  'time_logged',
  'time_changed',
  'time_deleted',
  'sla_breached',
  'deleted',
  'restored',
]);

/**
 * History. Whoever sees a ticket reads it; row-level security shows portal users the entries for which this was true
 * when they were written. An entry about a note or an internal file is as internal as that is.
 */
export const isForCustomers = ({ kind, about = 'public' }: Told): boolean =>
  about === 'public' && !STAFF_ONLY.has(kind);

/** Of what another system wrote down, whose kinds are its own: changes of these fields alone. */
const IMPORTED = new Set(['status', 'priority', 'category', 'title', 'description']);

export const isImportForCustomers = (changes: readonly { readonly field: string }[]): boolean =>
  changes.every(({ field }) => IMPORTED.has(field));
