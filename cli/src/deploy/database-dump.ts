import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { finished } from 'node:stream/promises';
import { shellQuote } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { type SiteFolder, writeWhole } from '../site/folder.ts';
import { primaryOf } from '../site/primary.ts';

/** A dump of the platform's database. */
export interface Dump {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Entries that pg_restore lists. */
  readonly entries: number;
}

/**
 * Dumps the platform's database from the primary into `<folder>/backups`, and has pg_restore read what arrived here.
 * A dump that cannot be listed is no backup, and is an error.
 */
export async function dumpDatabase(
  cluster: Cluster,
  options: { readonly id: string; readonly keep: number },
): Promise<Dump> {
  const { folder, inventory } = cluster.site;
  const leader = (await primaryOf(cluster)).id;
  const place = folder.file('backups');
  await mkdir(place, { recursive: true, mode: 0o700 });
  const file = folder.file('backups', `${options.id}.dump`);
  const half = `${file}.part`;
  const hash = createHash('sha256');
  const out = (await open(half, 'w', 0o600)).createWriteStream();
  // From now on: a full disk says so while the dump still comes, and must not end the process.
  const written = finished(out);
  written.catch(() => {});
  let bytes = 0;
  const dump = `pg_dump -h /var/run/postgresql --format=custom --dbname=${shellQuote(inventory.data.postgres.database)}`;
  try {
    const { code, stderr } = await cluster.exec(leader, ['su', 'postgres', '-s', '/bin/sh', '-c', dump], {
      timeoutMs: 60 * 60_000,
      onStdout(chunk) {
        bytes += chunk.length;
        hash.update(chunk);
        out.write(chunk);
      },
    });
    out.end();
    await written;
    if (code !== 0 || bytes === 0) {
      throw new CliError('Unable to back up the database before the deploy.', {
        why: stderr.trim().split('\n').slice(-3).join(' ') || `pg_dump ended with ${code}.`,
        fix: 'Mend the cause, or go on without a backup: --no-backup',
      });
    }
    const entries = await listDump(cluster, leader, half);
    const sha256 = hash.digest('hex');
    await rename(half, file);
    await writeWhole(`${file}.sha256`, `${sha256}  ${basename(file)}\n`, 0o600);
    await prune(folder, options.keep);
    return { file, bytes, sha256, entries };
  } finally {
    out.destroy();
    await rm(half, { force: true });
  }
}

/** Sends the file back to where pg_restore is: what it lists was written here and read from here. */
async function listDump(cluster: Cluster, member: number, file: string): Promise<number> {
  const text = await cluster.must(member, ['pg_restore', '--list'], {
    stdin: createReadStream(file),
    timeoutMs: 10 * 60_000,
  });
  const entries = text.split('\n').filter((line) => /^\d+;/.test(line)).length;
  if (entries === 0) {
    throw new CliError('Unable to back up the database before the deploy.', {
      why: `The dump of ${(await stat(file)).size} bytes lists nothing.`,
    });
  }
  return entries;
}

/** Keeps the newest dumps. */
async function prune(folder: SiteFolder, keep: number): Promise<void> {
  const dumps = (await readdir(folder.file('backups'))).filter((name) => name.endsWith('.dump')).sort();
  for (const name of dumps.slice(0, Math.max(0, dumps.length - keep))) {
    await rm(folder.file('backups', name), { force: true });
    await rm(folder.file('backups', `${name}.sha256`), { force: true });
  }
}
