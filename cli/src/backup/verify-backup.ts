import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { ArtefactError, readZstd, verifySum } from '@psa/recovery/artefact';
import { readDump } from '@psa/recovery/dump-text';
import type { SiteManifest } from '@psa/recovery/manifest';
import { noteReading } from '@psa/recovery/reading';
import { unseal } from '@psa/recovery/sealed';
import { look } from '@psa/recovery/tar';
import { CliError } from '../errors.ts';
import { recoveryError } from '../recovery-error.ts';
import type { Cluster } from '../site/cluster.ts';
import { postgresMembers } from '../site/psql.ts';
import { listVolumes, readVolume } from '../site/volume.ts';
import { lastWords } from '../text.ts';
import { type Catalogued, usable } from './catalogue.ts';
import { verifyBase } from './pitr.ts';

/** What came of reading a backup. */
export interface Verification {
  readonly id: string;
  readonly ok: boolean;
  /** Why it does not restore; null: it does, as far as reading tells. */
  readonly why: string | null;
  /**
   * How far it was read: `sum` that no byte has changed, `content` that it opens and comes to its own end, `server` that the
   * backup server has verified it; `listed`: it has it, and has not looked yet.
   */
  readonly read: 'sum' | 'content' | 'server' | 'listed';
  readonly bytes: number;
}

/**
 * @param identity opens what is encrypted; null: there is no key here, and of those the sum alone is read
 * @param isDeep nothing is taken by its sum alone: what is not opened otherwise is opened, and what cannot be is not whole
 */
export async function verifyBackup(
  cluster: Cluster,
  one: Catalogued,
  identity: string | null,
  isDeep = false,
): Promise<Verification> {
  const base = { id: one.id, bytes: one.bytes };
  let read: Verification['read'] = 'sum';
  try {
    const manifest = usable(cluster, one);
    read = await readOne(cluster, one, manifest, identity);
    if (isDeep && read === 'sum') read = await openOne(cluster, one, manifest);
    if (isDeep && read === 'listed')
      throw new CliError(`${one.id} was not read: the backup server has not verified it yet.`, {
        why: 'It alone can: no API gives its bytes out.',
        fix: 'Give its datastore a verify job, or verify it there now, then run this again.',
      });
    await noteReading(one.file, null);
    return { ...base, ok: true, why: null, read };
  } catch (thrown) {
    cluster.signal.throwIfAborted();
    await noteReading(one.file, thrown as Error);
    const error = recoveryError(thrown) as CliError;
    return { ...base, ok: false, why: error.why ? `${error.message} ${error.why}` : error.message, read };
  }
}

async function readOne(
  cluster: Cluster,
  one: Catalogued,
  manifest: SiteManifest,
  identity: string | null,
): Promise<Verification['read']> {
  if (one.volume) return readArchive(cluster, one.volume, manifest);
  if (manifest.repository) {
    const why = await verifyBase(cluster, manifest.repository.label);
    if (why !== null) throw new CliError(`${one.id} does not restore.`, { why: `${why}.` });
    return 'content';
  }
  await verifySum(one.file, manifest);
  if (manifest.recipients.length > 0) {
    if (identity === null) return 'sum';
    await unseal(one.file, identity, async (content) => {
      if (/\.tar\./.test(one.file)) {
        const { names } = await look(content, './appliance.yaml');
        if (!names.includes('./appliance.yaml')) throw damaged(one, 'there is no inventory in it');
      } else for await (const _ of content);
    });
    return 'content';
  }
  if (manifest.kind === 'database') {
    const { databases } = await readZstd(one.file, readDump);
    const missing = manifest.databases?.find((name) => !databases.includes(name));
    if (missing !== undefined) throw damaged(one, `the database "${missing}" is not in it`);
    return 'content';
  }
  return 'sum';
}

/** What plain reading takes by its sum: a dump before a deploy, releases; and what there is no key for. */
async function openOne(
  cluster: Cluster,
  one: Catalogued,
  manifest: SiteManifest,
): Promise<Verification['read']> {
  if (manifest.kind === 'deploy') {
    await readDeployDump(cluster, one);
    return 'content';
  }
  if (manifest.kind === 'releases') {
    const { names } = await look(createReadStream(one.file), '');
    if (names.length === 0) throw damaged(one, 'there is nothing in it');
    return 'content';
  }
  throw new CliError(`${one.id} was not opened: there is no key here.`, {
    why: 'Its sum is right. Name the key file (PSA_BACKUP_KEY=…) to have it opened.',
  });
}

/** Has `pg_restore` list a dump in its own format, and read all of its rows: both fail where a byte is another. */
async function readDeployDump(cluster: Cluster, one: Catalogued): Promise<void> {
  const { primary, replicas } = await postgresMembers(cluster);
  const member = replicas[0] ?? primary;
  if (!member)
    throw new CliError(
      `Unable to open ${one.id}: no member of PostgreSQL answers, and its pg_restore reads it.`,
    );
  for (const argv of [
    ['pg_restore', '--list'],
    ['pg_restore', '--file=-'],
  ]) {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const options = { stdin: createReadStream(one.file), stdout: nowhere, timeoutMs: 12 * 3_600_000 };
    const { code, stderr } = await cluster.exec(member.id, argv, options);
    // That the program is not there, or cannot be run, says nothing of the dump.
    if (code > 125) throw new CliError(`Unable to open ${one.id}.`, { why: lastWords(stderr) });
    if (code !== 0) throw damaged(one, lastWords(stderr) || `pg_restore ended with ${code}`);
  }
}

async function readArchive(
  cluster: Cluster,
  { node, volid }: NonNullable<Catalogued['volume']>,
  manifest: SiteManifest,
): Promise<Verification['read']> {
  if (manifest.sha256 === null) {
    const [storage] = volid.split(':');
    const found = (await listVolumes(cluster, node, storage!)).find((volume) => volume.volid === volid);
    if (!found) throw new ArtefactError(`${volid} does not restore: the backup server has it no longer.`);
    if (found.verification?.state === 'failed')
      throw new ArtefactError(`${volid} does not restore: the backup server found it damaged.`);
    return found.verification?.state === 'ok' ? 'server' : 'listed';
  }
  const seen = await readVolume(cluster, node, volid);
  if (seen.sha256 !== manifest.sha256)
    throw new ArtefactError(
      `${volid} does not restore: it is not what its manifest names (another SHA-256).`,
    );
  return 'content';
}

const damaged = (one: Catalogued, why: string) => new ArtefactError(`${one.file} does not restore: ${why}.`);
