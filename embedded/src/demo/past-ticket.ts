import type { Priority } from '@psa/contracts/tickets';
import type { StaffKey } from './people.ts';

/** A ticket of the past weeks that is done. */
export interface PastTicket {
  readonly customer: string;
  /** Index into the customer's contacts. */
  readonly contact: number;
  /** Before the desk went live; all of them were. */
  readonly daysAgo: number;
  /** Minutes after 8:00 at which it came in. */
  readonly minute: number;
  readonly category: string;
  readonly priority: Priority;
  readonly who: StaffKey;
  /** Office minutes until somebody took it up, and until it was resolved. */
  readonly taken: number;
  readonly solved: number;
  /** Waited for the customer in between. */
  readonly waited?: true;
  readonly reopened?: true;
  readonly breached?: true;
  readonly title: string;
  readonly text: string;
  readonly tags: readonly string[];
}

/** Written in the order in which it is told. */
export const pastTicket = (
  customer: string,
  contact: number,
  [daysAgo, minute]: [number, number],
  category: string,
  priority: Priority,
  who: StaffKey,
  [taken, solved]: [number, number],
  title: string,
  text: string,
  tags: string[],
  more: Pick<PastTicket, 'waited' | 'reopened' | 'breached'> = {},
): PastTicket => ({
  customer,
  contact,
  daysAgo,
  minute,
  category,
  priority,
  who,
  taken,
  solved,
  title,
  text,
  tags,
  ...more,
});
