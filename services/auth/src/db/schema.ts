import { boolean, customType, integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Tables that are read and written one row at a time through drizzle; the rest has hand-written SQL. */
const auth = pgSchema('auth');

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

export const tenants = auth.table('tenants', {
  tenant_id: uuid('tenant_id').primaryKey(),
  name: text('name').notNull(),
  version: integer('version').notNull().default(1),
  created_at: instant('created_at').notNull(),
  updated_at: instant('updated_at').notNull(),
});

export const roles = auth.table('roles', {
  tenant_id: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  name: text('name').notNull(),
  title: jsonb('title').$type<{ de: string; en: string }>().notNull(),
  audience: text('audience').$type<'staff' | 'customer'>().notNull(),
  permissions: text('permissions').array().notNull(),
  system: boolean('system').notNull().default(false),
  version: integer('version').notNull().default(1),
  created_at: instant('created_at').notNull(),
  updated_at: instant('updated_at').notNull(),
  deleted_at: instant('deleted_at'),
});

export const users = auth.table('users', {
  tenant_id: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  email: text('email').notNull(),
  name: text('name').notNull(),
  search_text: text('search_text'),
  role_id: uuid('role_id').notNull(),
  audience: text('audience').$type<'staff' | 'customer'>().notNull(),
  customer_id: uuid('customer_id'),
  locale: text('locale').$type<'de' | 'en'>().notNull(),
  status: text('status').$type<'active' | 'invited' | 'disabled' | 'imported'>().notNull(),
  tier: text('tier').$type<'standard' | 'professional' | 'enterprise'>().notNull().default('standard'),
  password_hash: text('password_hash'),
  failed_logins: integer('failed_logins').notNull().default(0),
  failed_since: instant('failed_since'),
  locked_until: instant('locked_until'),
  last_login_at: instant('last_login_at'),
  source: text('source'),
  external_id: text('external_id'),
  version: integer('version').notNull().default(1),
  created_at: instant('created_at').notNull(),
  updated_at: instant('updated_at').notNull(),
  deleted_at: instant('deleted_at'),
});

export const apiKeys = auth.table('api_keys', {
  tenant_id: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  user_id: uuid('user_id').notNull(),
  role_id: uuid('role_id'),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  hash: bytea('hash').notNull(),
  created_at: instant('created_at').notNull(),
  last_used_at: instant('last_used_at'),
  expires_at: instant('expires_at'),
  deleted_at: instant('deleted_at'),
});
