import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type postgres from 'postgres';

/** A service's own migrations: the folder of `NNN_name.sql` files. */
export interface MigrationSet {
  readonly service: string;
  readonly folder: URL;
}

export interface AppliedMigration {
  readonly service: string;
  readonly name: string;
}

/** The database is of a newer release than the program. */
export class NewerDatabase extends Error {
  constructor(migration: string) {
    super(
      `The database holds migration ${migration}, which this release does not know: a newer release has worked with it. Start that release again, or restore a backup from before it.`,
    );
    this.name = 'NewerDatabase';
  }
}

/** Refuses a database that a newer release has migrated. @throws NewerDatabase */
export async function refuseNewer(admin: postgres.Sql, sets: readonly MigrationSet[]): Promise<void> {
  const [made] = await admin`select to_regclass('psa.migrations') is not null as yes`;
  if (!made?.yes) return;
  for (const set of sets) {
    const own = new Set((await files(set)).map(({ name }) => name));
    const known = await admin<{ name: string }[]>`
      select name from psa.migrations where service = ${set.service} order by name`;
    const unknown = known.find(({ name }) => !own.has(name));
    if (unknown) throw new NewerDatabase(`${set.service}/${unknown.name}`);
  }
}

/**
 * Applies what is missing, each file in its own transaction, in order of name, all under one advisory lock so
 * that two runs at once do the work once. Runs as `psa_owner`, once per release, never by a service at start.
 * @throws NewerDatabase, and when a file that was applied has changed since.
 */
export async function migrate(
  admin: postgres.Sql,
  sets: readonly MigrationSet[],
): Promise<AppliedMigration[]> {
  const applied: AppliedMigration[] = [];
  await refuseNewer(admin, sets);
  const connection = await admin.reserve();
  try {
    await connection`select pg_advisory_lock(hashtext('psa.migrate'))`;
    await connection.unsafe('set role psa_owner');
    for (const set of sets) {
      const known = await connection<{ name: string; checksum: string }[]>`
        select name, checksum from psa.migrations where service = ${set.service}`;
      const checksums = new Map(known.map((row) => [row.name, row.checksum]));
      for (const { name, text } of await files(set)) {
        const checksum = createHash('sha256').update(text).digest('hex');
        const before = checksums.get(name);
        if (before === checksum) continue;
        if (before !== undefined) {
          throw new Error(
            `Migration ${set.service}/${name} was changed after it was applied. Add a new file instead.`,
          );
        }
        await connection
          .unsafe(`begin; ${text};
          insert into psa.migrations (service, name, checksum) values ('${set.service}', '${name}', '${checksum}');
          commit`)
          .catch(async (error: unknown) => {
            await connection.unsafe('rollback');
            throw new Error(`Migration ${set.service}/${name} failed: ${(error as Error).message}`, {
              cause: error,
            });
          });
        applied.push({ service: set.service, name });
      }
    }
  } finally {
    await connection.unsafe('reset role').catch(() => {});
    await connection`select pg_advisory_unlock(hashtext('psa.migrate'))`.catch(() => {});
    connection.release();
  }
  return applied;
}

async function files(set: MigrationSet): Promise<{ name: string; text: string }[]> {
  const kit = (await readFile(new URL('./kit.sql', import.meta.url), 'utf8')).replaceAll(
    ':schema',
    set.service,
  );
  const own = (await readdir(set.folder)).filter((name) => /^\d{3}_[a-z0-9_]+\.sql$/.test(name)).sort();
  const texts = await Promise.all(own.map((name) => readFile(new URL(name, folderUrl(set.folder)), 'utf8')));
  return [{ name: '000_kit.sql', text: kit }, ...own.map((name, i) => ({ name, text: texts[i]! }))];
}

const folderUrl = (folder: URL) => (folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`));
