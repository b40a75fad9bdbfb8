import { existsSync, readdirSync } from 'node:fs';
import { migrate } from '@psa/infra/database/migrate';
import { provision } from '@psa/infra/database/provision';
import { startPostgres } from '@psa/infra/postgres-server';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { tempDir } from './temp-dir.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the server that all test files share, without a database. */
    postgresUrl: string;
    /** Password of every service's role on that server. */
    rolePassword: string;
  }
}

export const TEMPLATE_DATABASE = 'psa_template';

/** The services of this repository that have migrations, found by their folders. */
export function migrationSets(): { service: string; folder: URL }[] {
  const root = new URL('../../../services/', import.meta.url);
  return readdirSync(root)
    .sort()
    .map((service) => ({ service, folder: new URL(`${service}/src/db/migrations/`, root) }))
    .filter(({ folder }) => existsSync(folder));
}

/**
 * Once per run: one PostgreSQL server without fsync, and in it a template database with every service's
 * migrations. Test files clone it (see `database.ts`), which takes a fraction of a second.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await tempDir('postgres');
  const server = await startPostgres({
    dataDir: `${dir.path}/data`,
    durable: false,
    settings: { max_connections: '300' },
  });
  const rolePassword = 'test-role-password';
  const sets = migrationSets();
  const root = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  await root.unsafe(`create database ${TEMPLATE_DATABASE}`);
  await root.end();
  const admin = postgres(server.superuserUrl(TEMPLATE_DATABASE), { max: 2, onnotice: () => {} });
  await provision(
    admin,
    sets.map(({ service }) => ({ service, password: rolePassword })),
  );
  await migrate(admin, sets);
  await admin.end();
  project.provide('postgresUrl', server.superuserUrl());
  project.provide('rolePassword', rolePassword);
  return async () => {
    await server.stop();
    await dir.remove();
  };
}
