import { boolean, integer, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const crm = pgSchema('crm');
const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

/** Columns that every business row of this service has. */
const common = () => ({
  tenant_id: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  name: text('name').notNull(),
  name_key: text('name_key').notNull(),
  search_text: text('search_text').notNull(),
  version: integer('version').notNull().default(1),
  created_at: instant('created_at').notNull(),
  updated_at: instant('updated_at').notNull(),
  deleted_at: instant('deleted_at'),
});

export const customers = crm.table('customers', {
  ...common(),
  customer_number: integer('customer_number').notNull(),
  status: text('status').$type<'active' | 'prospect' | 'inactive'>().notNull(),
  email: text('email'),
  phone: text('phone'),
  website: text('website'),
  notes: text('notes'),
  tags: text('tags').array().notNull(),
  preferred_technician_id: uuid('preferred_technician_id'),
  sla_policy_id: uuid('sla_policy_id'),
  source: text('source'),
  external_id: text('external_id'),
});
export type CustomerRow = typeof customers.$inferSelect;
export type NewCustomerRow = typeof customers.$inferInsert;

export const sites = crm.table('sites', {
  ...common(),
  customer_id: uuid('customer_id').notNull(),
  street: text('street'),
  postal_code: text('postal_code'),
  city: text('city'),
  country: text('country'),
  time_zone: text('time_zone'),
});
export type SiteRow = typeof sites.$inferSelect;
export type NewSiteRow = typeof sites.$inferInsert;

export const contacts = crm.table('contacts', {
  ...common(),
  customer_id: uuid('customer_id').notNull(),
  site_id: uuid('site_id'),
  email: text('email'),
  phone: text('phone'),
  position: text('position'),
  is_primary: boolean('is_primary').notNull().default(false),
  user_id: uuid('user_id'),
  notes: text('notes'),
  source: text('source'),
  external_id: text('external_id'),
});
export type ContactRow = typeof contacts.$inferSelect;
export type NewContactRow = typeof contacts.$inferInsert;
