import { randomBytes } from 'node:crypto';
import { Database } from '@psa/service-kit/database';
import postgres from 'postgres';
import { inject } from 'vitest';
import { TEMPLATE_DATABASE } from './global-setup.ts';

/** A database of its own for one test file: a clone of the migrated template. */
export interface TestDatabase {
  readonly name: string;
  /** Superuser connection: sees and changes everything, for arranging and asserting. */
  readonly admin: postgres.Sql;
  /** Superuser URL. */
  readonly adminUrl: string;
  /** URL with the login role of a service. */
  urlFor(service: string): string;
  /** The database as a service sees it; closed by `drop`. */
  databaseFor(service: string): Database;
  drop(): Promise<void>;
}

/** Clones the template. Call in `beforeAll`, and `drop` in `afterAll`. */
export async function testDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl');
  const rolePassword = inject('rolePassword');
  const name = `psa_test_${randomBytes(6).toString('hex')}`;
  const root = postgres(serverUrl, { max: 1, onnotice: () => {} });
  // Cloning needs the template to itself; another file may be cloning at this moment.
  await root`select pg_advisory_lock(hashtext('psa.clone'))`;
  await root.unsafe(`create database ${name} template ${TEMPLATE_DATABASE}`);
  await root`select pg_advisory_unlock(hashtext('psa.clone'))`;

  const withDatabase = (user?: string) => {
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    if (user) {
      url.username = user;
      url.password = rolePassword;
    }
    return url.href;
  };
  const admin = postgres(withDatabase(), { max: 4, onnotice: () => {} });
  const opened: Database[] = [];
  return {
    name,
    admin,
    adminUrl: withDatabase(),
    urlFor: (service) => withDatabase(`psa_${service}`),
    databaseFor(service) {
      const database = new Database({ url: withDatabase(`psa_${service}`), max: 8 });
      opened.push(database);
      return database;
    },
    async drop() {
      await Promise.all(opened.map((database) => database.close()));
      await admin.end();
      await root.unsafe(`drop database if exists ${name} with (force)`);
      await root.end();
    },
  };
}
