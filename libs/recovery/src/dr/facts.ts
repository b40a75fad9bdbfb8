import type { MeasuredStep } from './step.ts';

/** What of a backup is put back on the other site. The definitions of the broker are made by `apply` and the services. */
export const NEEDED = ['database', 'secrets', 'releases', 'redis'] as const;
export type Needed = (typeof NEEDED)[number];

/** A good copy that is there. */
export interface Copy {
  readonly id: string;
  /** When it was begun; ISO 8601. */
  readonly at: string;
  readonly bytes: number;
  /** Where it is, for people: a folder, or a remote. */
  readonly place: string;
}

/** What a plan follows from. */
export interface DrFacts {
  readonly now: Date;
  readonly appliance: string;
  /** The site that serves, or did. */
  readonly from: string;
  /** The one that takes over; null: the inventory names none. */
  readonly to: string | null;
  /** The container or node that failed; null: none was named. */
  readonly named: string | null;
  /** Copies from before that moment only were looked for; null: the newest. */
  readonly before: Date | null;
  /** The log of the database reaches that moment, so it can be had as it was to the second. */
  readonly by_log: boolean;
  /** The newest good copy of each. */
  readonly copies: Readonly<Partial<Record<Needed, Copy>>>;
  /** Bytes of the newest backup of the container; null: there is none. */
  readonly container_bytes: number | null;
  /** What of the site that serves still answers: `the API of pve1`. */
  readonly life: readonly string[];
  /** It was asked for that the site is kept from serving. */
  readonly fence: boolean;
  /** What follows on the other site; null: it stands by cold. */
  readonly standby: StandbyFacts | null;
  /** Why nothing may be done to the other site from here: nobody knows what it is. */
  readonly unsure?: DrRefusal | null;
  readonly hooks: { readonly fence: boolean; readonly switch: boolean; readonly notify: boolean };
  /** What steps of earlier runs took, the newest first. */
  readonly measured: readonly MeasuredStep[];
}

/** A standby whose database follows. */
export interface StandbyFacts {
  /** Why it cannot take over as it is; null: it can. */
  readonly why_not: string | null;
  /** What was written so long before would be lost with the site that serves, in ms; null: nobody knows. */
  readonly loss_ms: number | null;
}

/** Why a plan is not carried out, and what to do. */
export interface DrRefusal {
  readonly why: string;
  readonly fix: string;
}
