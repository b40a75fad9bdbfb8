import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { shellQuote } from '@psa/proxmox/ssh';
import { writeArtefact } from '@psa/recovery/artefact';
import { artefactFile, artefactId, newRun } from '@psa/recovery/artefact-name';
import { decideRetention } from '@psa/recovery/retention';
import { readShelf, removeBackup, removeStale, retained } from '@psa/recovery/shelf';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { generationsOf, siteNameOf } from '../site/generations.ts';
import { needMounted } from '../site/mounts.ts';
import { primaryOf } from '../site/primary.ts';

/** A dump of the platform's database. */
export interface Dump {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Entries that pg_restore lists. */
  readonly entries: number;
}

const DUMP_MS = 60 * 60_000;

/**
 * Dumps the platform's database from the primary to where the first generation of backups stands, and has pg_restore read
 * what arrived there. It is a backup of the site like any other, but of no generation: the newest so many stay.
 * A dump that cannot be listed is no backup, and is an error.
 */
export async function dumpDatabase(cluster: Cluster, options: { readonly keep: number }): Promise<Dump> {
  const { site } = cluster;
  const { database } = site.inventory.data.postgres;
  const leader = await primaryOf(cluster);
  const at = new Date();
  const run = newRun(at);
  const id = artefactId('deploy', run);
  const { folder } = generationsOf(site)[0]!;
  const file = join(folder, artefactFile(id));
  await needMounted(site, folder);
  const dump = `pg_dump -h /var/run/postgresql --format=custom --dbname=${shellQuote(database)}`;
  let entries = 0;
  const { bytes, sha256 } = await writeArtefact({
    ...{ file, recipients: [], limit: null },
    async fill(into) {
      const { code, stderr } = await cluster.exec(
        leader.id,
        ['su', 'postgres', '-s', '/bin/sh', '-c', dump],
        {
          ...{ stdout: into, timeoutMs: DUMP_MS },
        },
      );
      if (code === 0) return {};
      throw new CliError('Unable to back up the database before the deploy.', {
        why: stderr.trim().split('\n').slice(-3).join(' ') || `pg_dump ended with ${code}.`,
        fix: 'Mend the cause, or go on without a backup: --no-backup',
      });
    },
    async inspect(part) {
      entries = await listDump(cluster, leader.id, part);
    },
    describe: ({ sum, duration_ms, verified_at }) => ({
      ...{ manifest: 1, id, kind: 'deploy', site: siteNameOf(site), run, tier: null, at: at.toISOString() },
      from: { container: leader.id, name: leader.name, role: 'primary' },
      ...{ ...sum, duration_ms, verified_at, recipients: [], content_bytes: null },
      ...{ version: null, databases: [database], warnings: [] },
    }),
  });
  await prune(folder, siteNameOf(site), options.keep);
  return { file, bytes, sha256: sha256!, entries };
}

/** Sends the file back to where pg_restore is: what it lists was written here and read from here. */
async function listDump(cluster: Cluster, member: number, file: string): Promise<number> {
  const text = await cluster.must(member, ['pg_restore', '--list'], {
    stdin: createReadStream(file),
    timeoutMs: 10 * 60_000,
  });
  const entries = text.split('\n').filter((line) => /^\d+;/.test(line)).length;
  if (entries > 0) return entries;
  throw new CliError('Unable to back up the database before the deploy.', {
    why: 'pg_restore lists nothing in what arrived.',
  });
}

/**
 * Keeps the newest dumps of a site as "psactl backup prune" does: those of other sites in the same folder, and what is dated
 * in the future because a clock was wrong, push nothing out.
 */
async function prune(folder: string, site: string, keep: number): Promise<void> {
  await removeStale(folder);
  const dumps = (await readShelf(folder)).filter(
    ({ state, manifest }) => state === 'good' && manifest?.kind === 'deploy' && manifest.site === site,
  );
  const { remove } = decideRetention(dumps.map(retained), { 'keep-last': keep }, Date.now());
  const gone = new Set(remove.map(({ id }) => id));
  for (const one of dumps.filter(({ id }) => gone.has(id))) await removeBackup(one);
}
