import type { TSchema } from 'typebox';
import type { Permission } from '../permissions.ts';
import { authEvents } from './auth.ts';
import { crmEvents } from './crm.ts';
import { searchEvents } from './search.ts';
import { systemEvents } from './system.ts';
import { ticketEvents } from './tickets.ts';

export interface EventContract {
  readonly description: string;
  readonly service: string;
  readonly data: TSchema;
  /** With which permission is read what it tells of: who does not hold it learns nothing by the live stream. */
  readonly seenWith: Permission;
  /** Whose sessions may end with it: those of the user, or of the customer's people, that it is about, or anybody's. */
  readonly endsSessionsOf?: 'user' | 'customer' | 'anybody';
}

/** Every event of the platform by its type. An event that is not in here cannot be published. */
export const EVENT_CATALOG = {
  ...authEvents,
  ...crmEvents,
  ...ticketEvents,
  ...searchEvents,
  ...systemEvents,
} as const satisfies Record<string, EventContract>;

export type EventType = keyof typeof EVENT_CATALOG;

/** What the catalogue says of a type; null for one that a newer release has. */
export const eventContract = (type: string): EventContract | null =>
  Object.hasOwn(EVENT_CATALOG, type) ? EVENT_CATALOG[type as EventType] : null;
