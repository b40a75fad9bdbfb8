import { readFile } from 'node:fs/promises';
import type postgres from 'postgres';
import { FILES_SCHEMA, PostgresFileStore } from '../files/postgres-file-store.ts';

/** A service's schema and the login role that may touch nothing else. */
export interface ServiceRole {
  /** Service name; the schema has this name, the role is `psa_<name>`. */
  readonly service: string;
  readonly password: string;
}

const IDENTIFIER = /^[a-z][a-z0-9_]{0,40}$/;

/** The login role of a service. */
export const roleOf = (service: string) => `psa_${service}`;

/**
 * Makes a database ready for migrations: roles, schemas, extensions, the functions that row-level security
 * reads. `admin` is a superuser's connection **to that database**. Safe to run again; passwords are set anew.
 */
export async function provision(admin: postgres.Sql, services: readonly ServiceRole[]): Promise<void> {
  for (const { service } of services) {
    if (!IDENTIFIER.test(service)) throw new Error(`"${service}" is no name for a schema.`);
  }
  const bootstrap = await readFile(new URL('./bootstrap.sql', import.meta.url), 'utf8');
  await admin.begin(async (sql) => {
    // Two provisioners at once (two services' tests, two nodes) would race on cluster-wide roles.
    await sql`select pg_advisory_xact_lock(hashtext('psa.provision'))`;
    await sql.unsafe(`do $$ begin
      if not exists (select from pg_roles where rolname = 'psa_owner') then
        create role psa_owner nologin bypassrls;
      end if; end $$`);
    await sql.unsafe(bootstrap);
    await sql.unsafe(`alter schema psa owner to psa_owner; alter table psa.migrations owner to psa_owner`);
    for (const { service, password } of services) {
      const role = roleOf(service);
      const quoted = await literal(sql, password);
      await sql.unsafe(`do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login; end if;
        end $$`);
      await sql.unsafe(`alter role ${role} with login nobypassrls password ${quoted};
        alter role ${role} set search_path = ${service}, psa, public;
        alter role ${role} set timezone = 'UTC';
        alter role ${role} set statement_timeout = '30s';
        alter role ${role} set idle_in_transaction_session_timeout = '60s';
        create schema if not exists ${service} authorization psa_owner;
        grant usage on schema ${service} to ${role};
        alter default privileges for role psa_owner in schema ${service}
          grant select, insert, update, delete on tables to ${role};
        alter default privileges for role psa_owner in schema ${service}
          grant usage, select on sequences to ${role}`);
    }
    await sql.unsafe('revoke all on schema public from public; grant usage on schema public to public');
  });
}

/** The role that owns the files which all services keep in the database. */
const FILES_ROLE = 'psa_files';

/**
 * Makes the tables in which services keep files when their replicas share no disk, and the role that may use them.
 * Safe to run again.
 */
export async function provisionFiles(admin: postgres.Sql, password: string): Promise<void> {
  await new PostgresFileStore({ sql: admin, schema: FILES_SCHEMA }).prepare();
  await admin.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(hashtext('psa.provision'))`;
    await sql.unsafe(`do $$ begin
      if not exists (select from pg_roles where rolname = '${FILES_ROLE}') then
        create role ${FILES_ROLE} login;
      end if; end $$`);
    await sql.unsafe(`alter role ${FILES_ROLE} with login nobypassrls password ${await literal(sql, password)};
      alter role ${FILES_ROLE} set statement_timeout = '30s';
      grant usage on schema ${FILES_SCHEMA} to ${FILES_ROLE};
      grant select, insert, update, delete on all tables in schema ${FILES_SCHEMA} to ${FILES_ROLE}`);
  });
}

async function literal(sql: postgres.TransactionSql, text: string): Promise<string> {
  const [row] = await sql<{ quoted: string }[]>`select quote_literal(${text}::text) as quoted`;
  return row!.quoted;
}
