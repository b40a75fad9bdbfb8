import { resolve } from 'node:path';
import type { Proof } from '@psa/recovery/proof';
import type { Verification } from '../../backup/verify-backup.ts';
import { type Context, define, type Io } from '../../command.ts';
import { usage } from '../../errors.ts';
import type { Progress } from '../../progress.ts';
import { backupKeyOf, namedArchive, recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Options extends SiteOptions {
  readonly deep?: boolean;
}

/** Of an archive of the platform in one process. */
interface VerifiedFile {
  readonly id: string;
  readonly file: string;
  readonly at: string;
  readonly version: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly entries: number;
  /** What came of restoring it; null: that was not asked for. */
  readonly proof: Proof | null;
  /** Why that could not be written down beside it, so that nobody else knows of it; null: it was, or there is none. */
  readonly unwritten: string | null;
}

interface Verified {
  /** An archive, or what was read of a site. */
  readonly data: VerifiedFile | readonly Verification[];
}

const isSite = (data: Verified['data']): data is readonly Verification[] => Array.isArray(data);

export const backupVerify = define<Options, Verified, null, Verified>({
  summary: 'Reads every byte of a backup back, and says whether it restores',
  description: `
Of a site: the backups that are named, by id or run; without any, the newest good one of each part. Each is read to its last
byte against its manifest, archives of containers on the node that has them; what opens (zstd, tar, age with the key, a
dump's own last line) is opened, the log behind a copy for any second is looked through for gaps. With --deep nothing is taken
by its sum alone: pg_restore reads dumps that were made before a deploy, tar reads releases, and what there is no key for is
not called whole. Ends with 1 when one of them does not restore. Loaded and compared they are by "psactl drill run".

An archive of the platform in one process is named by its file. Ends with 0 when it opens with the key, nothing in it was
changed or cut off, it is what its manifest names, and what a restore needs is in it; else with 1 and the reason. With --deep
it is restored, too: into a folder below TMPDIR that goes afterwards, its database started and every table read. That it was
proven, and when, is written beside it.`,
  args: [{ name: 'backup...', description: 'a file, ids of "psactl backup list", or runs', required: false }],
  options: [
    { flags: '--deep', description: 'restore the archive, too; of a site: take nothing by its sum alone' },
  ],
  withoutSite: 'psactl backup verify FILE',
  examples: [
    { run: 'psactl backup verify --site lab', note: 'the newest of each part' },
    { run: 'psactl backup verify --deep --site lab', note: 'and each is opened' },
    { run: 'psactl backup verify backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age', note: 'one archive' },
    {
      run: 'psactl backup verify backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --deep',
      note: 'proves it',
    },
  ],
  async plan(context) {
    const { isRun, parseArtefactFile, parseArtefactId } = await import('@psa/recovery/artefact-name');
    const { args, options, io, progress } = context;
    const [first] = args;
    const kindOf = (name: string) =>
      parseArtefactFile(name.split('/').at(-1)!)?.kind ?? parseArtefactId(name)?.kind;
    const kind = first === undefined ? undefined : kindOf(first);
    if (first === undefined || isRun(first) || (kind !== undefined && kind !== 'embedded'))
      return { data: { data: await verifySite(context) }, carry: null };
    if (args.length > 1)
      throw usage('Unable to verify several archives at once.', 'Name one file, or ids of a site.');
    return { data: { data: await verifyFile(first, io, options.deep === true, progress) }, carry: null };
  },
  render: ({ data }) => {
    if (isSite(data))
      return data.length === 0
        ? 'There is none.\n'
        : table(data.map(({ id, ok, why, read }) => [ok ? 'whole' : 'BAD', id, ok ? `read: ${read}` : why!]));
    const { id, at, version, entries, bytes, proof, unwritten } = data;
    return `${id} is whole: ${entries} entries, ${(bytes / 1024 ** 2).toFixed(1)} MiB, of ${at}, release ${version}.
${proof ? `It was restored in ${(proof.duration_ms / 1000).toFixed(1)} s: ${proof.compared.map(({ what, found }) => `${found} ${what}`).join(', ')}.\n` : ''}${unwritten === null ? '' : `That could not be written down beside it: ${unwritten}.\n`}`;
  },
  outcome: ({ data }) => (isSite(data) && data.some(({ ok }) => !ok) ? 'failed' : 'done'),
});

async function verifySite(context: Context<Options>): Promise<readonly Verification[]> {
  const { args, options, io, progress, signal } = context;
  const { withSite } = await import('../../site/site.ts');
  const { Cluster } = await import('../../site/cluster.ts');
  const { named, newestOfEach, readCatalogue } = await import('../../backup/catalogue.ts');
  const { identityOf } = await import('../../backup/recipients.ts');
  const { verifyBackup } = await import('../../backup/verify-backup.ts');
  return withSite(context, async (site) => {
    const cluster = new Cluster(site, signal);
    const catalogue = await readCatalogue(cluster);
    const wanted = args.length > 0 ? named(catalogue, args) : newestOfEach(catalogue);
    const identity = await identityOf(site, io.env).catch((error) => {
      throw recoveryError(error);
    });
    progress.start('Read backups', wanted.length);
    const results: Verification[] = [];
    for (const one of wanted) {
      results.push(await verifyBackup(cluster, one, identity, options.deep === true));
      progress.advance();
    }
    return results;
  });
}

async function verifyFile(name: string, io: Io, isDeep: boolean, progress: Progress): Promise<VerifiedFile> {
  const { verifyEmbedded } = await import('@psa/recovery/embedded/verify');
  const { noteReading } = await import('@psa/recovery/reading');
  const { withScratch } = await import('@psa/recovery/scratch');
  const file = namedArchive(resolve(io.cwd, name));
  try {
    const { identity } = await backupKeyOf(io.env);
    const verified = await verifyEmbedded(file, identity).catch(async (error: Error) => {
      await noteReading(file, error);
      throw error;
    });
    await noteReading(file, null);
    const { contents, bytes, sha256, entries } = verified;
    const { id, at, version } = contents;
    const say = (step: string) => progress.start(step);
    const proven = isDeep
      ? await withScratch('proof', (scratch) => prove(file, identity, { verified, scratch, say }))
      : { proof: null, unwritten: null };
    return { id, file, at, version, bytes, sha256, entries, ...proven };
  } catch (error) {
    throw recoveryError(error);
  }
}

type ProveEmbedded = typeof import('@psa/recovery/embedded/restore').proveEmbedded;

async function prove(
  file: string,
  identity: string,
  options: Parameters<ProveEmbedded>[2],
): Promise<Pick<VerifiedFile, 'proof' | 'unwritten'>> {
  const { verified } = options;
  const { proveEmbedded } = await import('@psa/recovery/embedded/restore');
  const { compare, writeProof } = await import('@psa/recovery/proof');
  const began = performance.now();
  const tried = (duration_ms: number) => ({
    ...{ proof: 1 as const, id: verified.contents.id, sha256: verified.sha256, by: 'verify' },
    ...{ at: new Date().toISOString(), duration_ms: Math.round(duration_ms) },
  });
  try {
    const { rows, duration_ms } = await proveEmbedded(file, identity, options);
    const counts = Object.values(rows);
    const sum = counts.reduce((all, one) => all + one, 0);
    // How many there were nobody wrote down: each was read to its end.
    const compared = [compare('tables', null, counts.length), compare('rows', null, sum)];
    const proof: Proof = { ...tried(duration_ms), result: 'passed', why: null, compared };
    // It restores, whether that can be written down or not: a folder may be mounted for reading alone.
    return { proof, unwritten: await writeProof(file, proof).then(() => null, whyUnwritten) };
  } catch (error) {
    // That there is no room here says nothing of the archive.
    if (error instanceof Error && error.name === 'BackupError') {
      const failed: Proof = {
        ...{ ...tried(performance.now() - began), result: 'failed', why: error.message, compared: [] },
      };
      await writeProof(file, failed).catch(whyUnwritten);
    }
    throw error;
  }
}

/** What the disk says. @throws anything else */
function whyUnwritten(error: NodeJS.ErrnoException): string {
  if (error.syscall === undefined) throw error;
  return error.message;
}
