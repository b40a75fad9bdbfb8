import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Container } from '@psa/appliance/inventory/expand';
import { REPOSITORY, STANZA } from '@psa/appliance/parts/pgbackrest-settings';
import { artefactFile, artefactId } from '@psa/recovery/artefact-name';
import { type SiteManifest, writeManifest } from '@psa/recovery/manifest';
import {
  type BaseBackup,
  baseBackupType,
  type RepositoryInfo,
  type RepositoryTrouble,
  readVerification,
} from '@psa/recovery/pitr';
import { newestHistory, type WalGap, walGaps } from '@psa/recovery/wal';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { freeIn } from '../site/free-in.ts';
import { askSql, postgresMembers } from '../site/psql.ts';
import { backrest, readRepository, repositoryHost } from '../site/repository.ts';
import { mib } from '../text.ts';
import { manifestBase, type Part, type Run } from './part.ts';

/** What says of a copy in the repository which run it is of. */
export const RUN_NOTE = 'psa-run';

/** A copy of the whole database in pgBackRest's repository: with the log behind it any second can be had. */
export async function pitrPart(cluster: Cluster): Promise<Part> {
  const base = { item: 'pitr' as const, name: 'pitr' };
  const [host] = await cluster.running('ops');
  if (!host) return { ...base, how: '', skip: 'no container of "ops" runs', take: async () => null };
  const type = baseBackupType((await readRepository(cluster, host)).backups, new Date());
  return {
    ...{ ...base, how: `pgBackRest on ${host.name} (${type})`, skip: null },
    take: (run) => takeBase(run, host),
  };
}

async function takeBase(run: Run, host: Container): Promise<SiteManifest> {
  const { cluster, generation } = run;
  const began = Date.now();
  const at = new Date(began);
  const { primary, replicas } = await postgresMembers(cluster);
  let info = await readRepository(cluster, host);
  // 1 and 3: nothing of this database is there yet.
  if (info.code === 1 || info.code === 3) await backrest(cluster, host, ['stanza-create']);
  const type = baseBackupType(info.backups, at);
  const notes = [`--annotation=${RUN_NOTE}=${run.id}`, `--annotation=psa-tier=${generation.name}`];
  // A replica's disk is nobody's wait.
  const from = replicas.length > 0 ? '--backup-standby' : '--no-backup-standby';
  const take = () => backrest(cluster, host, [`--type=${type}`, from, ...notes, 'backup'], run.isLow);
  try {
    await take().catch(async (error: CliError) => {
      // The database was made anew, as after the loss of all members: pgBackRest keeps the old one's beside it.
      if (!/stanza-upgrade/.test(error.why ?? '')) throw error;
      await backrest(cluster, host, ['stanza-upgrade']);
      await take();
    });
  } catch (error) {
    throw await namingRoom(cluster, host, error as CliError);
  }
  info = await readRepository(cluster, host);
  const made = info.backups.findLast(({ notes: all }) => all[RUN_NOTE] === run.id);
  if (!made) throw new Error('pgBackRest does not list the copy that it has just made.');
  if (made.error) throw new Error('A page of the database has a wrong checksum: see the log of pgBackRest.');
  const trouble = await repositoryTrouble(cluster, host, info);
  const wrong = troubleOf(trouble, made);
  if (wrong !== null) throw new Error(wrong);
  const [version = ''] = primary
    ? await askSql(cluster, primary.id, 'postgres', "SELECT current_setting('server_version');")
    : [];
  const id = artefactId('pitr', run.id);
  const manifest: SiteManifest = {
    ...manifestBase(run, 'pitr', id, at),
    from: { container: host.id, name: host.name },
    repository: { label: made.label, type: made.type, needs: made.needs },
    ...{ bytes: made.bytes, sha256: null, content_bytes: made.content_bytes, recipients: [] },
    ...{ version: version.split(' ')[0] || null, lsn: made.lsn.stop },
    ...{ duration_ms: Date.now() - began, verified_at: new Date().toISOString() },
  };
  const file = `${generation.folder}/${artefactFile(id)}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeManifest(file, manifest);
  return manifest;
}

/** Pieces of the log are of 16 MiB, and two are on their way at once. */
const ROOM_BYTES = 32 * 1024 ** 2;

/** Says it where the repository has no room: pgBackRest then says that the log does not arrive, and asks for settings to be checked. */
async function namingRoom(cluster: Cluster, host: Container, error: CliError): Promise<Error> {
  const free = await freeIn(cluster, host.id, REPOSITORY).catch(() => null);
  if (free === null || free >= ROOM_BYTES) return error;
  return new CliError(error.message, {
    why: `The disk is full: ${mib(free)} are free in ${REPOSITORY} of ${host.name}, and the log waits on the primary. ${error.why ?? ''}`,
    fix: 'Raise disk_gb of the group "ops" in the inventory and run "psactl apply", or lower backup.pitr_days.',
    cause: error,
  });
}

/** Reads all of the repository back, and looks for pieces of the log that are missing behind each copy. */
export async function repositoryTrouble(
  cluster: Cluster,
  host: Container,
  info: RepositoryInfo,
): Promise<RepositoryTrouble> {
  const said = await backrest(cluster, host, ['--output=text', 'verify']);
  return { ...readVerification(said), gaps: await gapsOf(cluster, host, info) };
}

/** Pieces of the log that are missing, by the copy that they are missing behind. */
export async function gapsOf(
  cluster: Cluster,
  host: Container,
  { backups, wal }: RepositoryInfo,
): Promise<ReadonlyMap<string, readonly WalGap[]>> {
  if (wal === null || backups.length === 0) return new Map();
  const folder = `archive/${STANZA}/${wal.id}`;
  const files = (await backrest(cluster, host, ['--recurse', 'repo-ls', folder])).split('\n').filter(Boolean);
  const name = newestHistory(files);
  const history = name === null ? '' : await backrest(cluster, host, ['repo-get', `${folder}/${name}`]);
  return new Map(backups.map((one) => [one.label, walGaps(files, one.wal, history)]));
}

/** Why a copy cannot be relied upon; null: it can. */
export function troubleOf(
  { log, backups, gaps }: RepositoryTrouble,
  { label, needs }: Pick<BaseBackup, 'label' | 'needs'>,
): string | null {
  const ill = [label, ...needs].find((one) => backups[one] !== undefined);
  if (ill !== undefined) return `${ill} in the repository is damaged: ${backups[ill]}`;
  if (log !== null) return `the log in the repository is damaged: ${log}`;
  const [gap] = gaps.get(label) ?? [];
  if (!gap) return null;
  const which = gap.from === gap.to ? gap.from : `${gap.from} to ${gap.to}`;
  return `the log in the repository has a gap (${which}): from this copy the database can be had up to it, and not as it was later`;
}

const seen = new WeakMap<Cluster, Promise<{ info: RepositoryInfo; trouble: RepositoryTrouble }>>();

/** Reads a copy of the repository back, all of which is read once for each command. @returns why it does not restore */
export async function verifyBase(cluster: Cluster, label: string): Promise<string | null> {
  let reading = seen.get(cluster);
  if (!reading) {
    reading = repositoryHost(cluster).then(async (host) => {
      const info = await readRepository(cluster, host);
      return { info, trouble: await repositoryTrouble(cluster, host, info) };
    });
    seen.set(cluster, reading);
  }
  const { info, trouble } = await reading;
  const backup = info.backups.find((one) => one.label === label);
  if (!backup) return 'the repository no longer lists it';
  return backup.error ? 'a page of it has a wrong checksum' : troubleOf(trouble, backup);
}
