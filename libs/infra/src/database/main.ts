/**
 * Makes roles, schemas and tables of all services of this repository in a database, and the tables of their files, or
 * brings them up to this release: `DATABASE_ADMIN_URL` is a superuser's URL of that database, `ROLE_PASSWORD` becomes
 * the password of the services' roles. Safe to run again.
 */
import { existsSync, readdirSync } from 'node:fs';
import postgres from 'postgres';
import { migrate } from './migrate.ts';
import { provision, provisionFiles, roleOf } from './provision.ts';

const { DATABASE_ADMIN_URL: url, ROLE_PASSWORD: password } = process.env;
if (!url || !password) {
  console.error('DATABASE_ADMIN_URL and ROLE_PASSWORD are required.');
  process.exit(2);
}
// A release has the migrations beside this program, by service.
const released = new URL('./migrations/', import.meta.url);
const services = new URL('../../../../services/', import.meta.url);
const folders = existsSync(released)
  ? readdirSync(released).map((service) => ({ service, folder: new URL(`${service}/`, released) }))
  : readdirSync(services).map((service) => ({
      service,
      folder: new URL(`${service}/src/db/migrations/`, services),
    }));
const sets = folders
  .filter(({ folder }) => existsSync(folder))
  .toSorted((a, b) => (a.service < b.service ? -1 : 1));
const admin = postgres(url, { max: 2, onnotice: () => {} });
await provision(
  admin,
  sets.map(({ service }) => ({ service, password })),
);
const applied = await migrate(admin, sets);
await provisionFiles(admin, password);
await admin.end();
console.log(
  `${applied.length} migrations applied; roles: ${sets.map(({ service }) => roleOf(service)).join(', ')}`,
);
