import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { PostgresBus } from '@psa/infra/bus/postgres-bus';
import { type MigrationSet, migrate, refuseNewer } from '@psa/infra/database/migrate';
import { provision, roleOf } from '@psa/infra/database/provision';
import type { PostgresServer } from '@psa/infra/postgres-server';
import postgres from 'postgres';

const DATABASE = 'psa_platform';
/** Owner of the in-process bus' tables; no service may touch them by itself. */
const BUS = 'bus';

/** Connection URL with a service's own login role. */
export function roleUrl(server: PostgresServer, service: string, password: string): string {
  const url = new URL(server.superuserUrl(DATABASE));
  url.username = roleOf(service);
  url.password = password;
  return url.href;
}
export const busUrl = (server: PostgresServer, password: string) => roleUrl(server, BUS, password);

/**
 * Brings the database to what this release needs: database, roles, schemas, migrations. What was brought
 * there last is noted on the database itself, so an unchanged release costs one query.
 */
export async function prepareDatabase(
  server: PostgresServer,
  sets: readonly MigrationSet[],
  rolePassword: string,
): Promise<{ migrated: number }> {
  const wanted = await fingerprint(sets, rolePassword);
  const root = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  try {
    const [row] = await root<{ note: string | null }[]>`
      select shobj_description(oid, 'pg_database') as note from pg_database where datname = ${DATABASE}`;
    if (row?.note === wanted) return { migrated: 0 };
    if (!row) await root.unsafe(`create database ${DATABASE}`);
    const admin = postgres(server.superuserUrl(DATABASE), { max: 2, onnotice: () => {} });
    try {
      // Before the roles and procedures of this release replace those of a newer one.
      await refuseNewer(admin, sets);
      const names = [...sets.map(({ service }) => service), BUS];
      await provision(
        admin,
        names.map((service) => ({ service, password: rolePassword })),
      );
      const applied = await migrate(admin, sets);
      await new PostgresBus({ sql: admin }).prepare();
      await admin.unsafe(`
        grant usage on schema ${BUS} to ${roleOf(BUS)};
        grant select, insert, update, delete, truncate on all tables in schema ${BUS} to ${roleOf(BUS)};
        grant usage, select on all sequences in schema ${BUS} to ${roleOf(BUS)}`);
      await root.unsafe(`comment on database ${DATABASE} is '${wanted}'`);
      return { migrated: applied.length };
    } finally {
      await admin.end();
    }
  } finally {
    await root.end();
  }
}

/** Digest of everything that {@link prepareDatabase} would bring into the database. */
async function fingerprint(sets: readonly MigrationSet[], rolePassword: string): Promise<string> {
  const hash = createHash('sha256').update(rolePassword);
  const database = new URL('./database/', import.meta.resolve('@psa/infra/postgres-server'));
  const bus = new URL('./bus/postgres-bus.ts', import.meta.resolve('@psa/infra/postgres-server'));
  const texts = [
    new URL('bootstrap.sql', database),
    new URL('kit.sql', database),
    new URL('provision.ts', database),
    bus,
  ];
  for (const text of texts) hash.update(await readFile(text).catch(() => ''));
  for (const { service, folder } of sets) {
    for (const name of (await readdir(folder)).sort()) {
      hash.update(`${service}/${name}\0`).update(await readFile(new URL(name, folder)));
    }
  }
  return `psa ${hash.digest('hex')}`;
}
