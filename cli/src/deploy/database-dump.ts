import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { shellQuote } from '@psa/proxmox/ssh';
import type { SiteFolder } from '../appliance/folder.ts';
import { writeWhole } from '../appliance/folder.ts';
import { CliError } from '../errors.ts';
import type { Hands } from './hands.ts';

/** A member as Patroni's `/cluster` lists it. */
export interface PatroniMember {
  readonly name: string;
  /** `leader`, `sync_standby`, `replica` … */
  readonly role: string;
  /** `running`, `streaming` … */
  readonly state: string;
  readonly host?: string;
  /** Bytes behind; a word when it is not known. */
  readonly lag?: number | string;
}

/** Asks the members of PostgreSQL one after the other how the cluster is; null when none of them answers. */
export async function patroniCluster(hands: Hands): Promise<readonly PatroniMember[] | null> {
  for (const { container, state } of hands.of('postgres')) {
    if (state !== 'running') continue;
    const url = `http://${container.address}:8008/cluster`;
    const text = await hands.must(container.name, ['curl', '-s', '-m', '5', url]).catch(() => null);
    try {
      const { members } = JSON.parse(text ?? '') as { members?: PatroniMember[] };
      if (members) return members;
    } catch {
      // The next one.
    }
  }
  return null;
}

/** The container that holds the primary. @throws when there is none */
export async function leaderOf(hands: Hands): Promise<string> {
  const members = await patroniCluster(hands);
  const leader = members?.find((one) => one.role === 'leader' || one.role === 'master');
  const container = hands
    .of('postgres')
    .find((one) => one.container.name === leader?.name || one.container.address === leader?.host);
  if (!container) {
    throw new CliError('Unable to find the primary of PostgreSQL.', {
      why: members === null ? 'No member of Patroni answers.' : 'Patroni has no leader.',
      fix: 'See "psactl status", then "psactl logs postgres".',
    });
  }
  return container.container.name;
}

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
  hands: Hands,
  folder: SiteFolder,
  options: { readonly database: string; readonly id: string; readonly keep: number },
): Promise<Dump> {
  const leader = await leaderOf(hands);
  const place = folder.file('backups');
  await mkdir(place, { recursive: true, mode: 0o700 });
  const file = folder.file('backups', `${options.id}.dump`);
  const half = `${file}.part`;
  const hash = createHash('sha256');
  const out = createWriteStream(half, { mode: 0o600 });
  let bytes = 0;
  const dump = `pg_dump -h /var/run/postgresql --format=custom --dbname=${shellQuote(options.database)}`;
  try {
    const { code, stderr } = await hands.exec(leader, ['su', 'postgres', '-s', '/bin/sh', '-c', dump], {
      timeoutMs: 60 * 60_000,
      onStdout(chunk) {
        bytes += chunk.length;
        hash.update(chunk);
        out.write(chunk);
      },
    });
    await new Promise<void>((done, failed) => out.on('error', failed).end(done));
    if (code !== 0 || bytes === 0) {
      throw new CliError('Unable to back up the database before the deploy.', {
        why: stderr.trim().split('\n').slice(-3).join(' ') || `pg_dump ended with ${code}.`,
        fix: 'Mend the cause, or go on without a backup: --no-backup',
      });
    }
    const entries = await listDump(hands, leader, half);
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
async function listDump(hands: Hands, member: string, file: string): Promise<number> {
  const text = await hands.must(member, ['pg_restore', '--list'], {
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
