import type { TSchema } from 'typebox';
import { authEvents } from './auth.ts';
import { crmEvents } from './crm.ts';
import { systemEvents } from './system.ts';
import { ticketEvents } from './tickets.ts';

export interface EventContract {
  readonly description: string;
  readonly service: string;
  readonly data: TSchema;
}

/** Every event of the platform by its type. An event that is not in here cannot be published. */
export const EVENT_CATALOG = {
  ...authEvents,
  ...crmEvents,
  ...ticketEvents,
  ...systemEvents,
} as const satisfies Record<string, EventContract>;

export type EventType = keyof typeof EVENT_CATALOG;
