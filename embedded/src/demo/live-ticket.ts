import type { Priority, TicketStatus } from '@psa/contracts/tickets';
import type { StaffKey } from './people.ts';

/** Something somebody wrote; `by` a member of staff or `customer`. */
export interface LiveComment {
  readonly by: StaffKey | 'customer';
  readonly text: string;
  readonly internal?: true;
  readonly ago: number;
}

/** Time worked on a ticket: minutes, what was done, when it was booked, and what else is to be told of it. */
export type LiveTime = readonly [
  minutes: number,
  note: string,
  ago: number,
  more?: {
    /** So many minutes were booked at first; corrected so long ago. */
    readonly corrected?: { readonly from: number; readonly ago: number };
    /** Entered by the administration for who worked. */
    readonly byAdmin?: true;
  },
];

/**
 * A ticket of the last days. Its times are minutes before the first start: minutes of office hours, so that the
 * SLA clocks stand as told at whatever hour that is, or real ones where the work goes on around the clock.
 */
export interface LiveTicket {
  readonly opened: number;
  /** Given to `who`. */
  readonly taken?: number;
  /** Work began; for all that got further than `assigned`. */
  readonly begun?: number;
  /** Began to wait for the customer, or was resolved. */
  readonly done?: number;
  readonly aroundTheClock?: true;
  readonly customer: string;
  readonly contact: number;
  readonly category: string;
  readonly priority: Priority;
  readonly title: string;
  readonly text: string;
  readonly tags?: readonly string[];
  readonly source?: 'phone' | 'email';
  readonly who?: StaffKey;
  readonly status?: Exclude<TicketStatus, 'new' | 'closed'>;
  readonly comments?: readonly LiveComment[];
  readonly time?: readonly LiveTime[];
}
