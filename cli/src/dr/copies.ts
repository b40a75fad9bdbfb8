import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ArtefactError, writeArtefact } from '@psa/recovery/artefact';
import { artefactFile, parseArtefactId } from '@psa/recovery/artefact-name';
import { type Copy, NEEDED, type Needed } from '@psa/recovery/dr/facts';
import { madeLast } from '@psa/recovery/made-last';
import type { SiteManifest } from '@psa/recovery/manifest';
import { type Receipt, readRemote } from '@psa/recovery/offsite/receipt';
import { fetchCopy } from '@psa/recovery/offsite/send';
import { readShelf } from '@psa/recovery/shelf';
import type { Io } from '../command.ts';
import { CliError } from '../errors.ts';
import { type Remote, remotesOf } from '../offsite/remotes.ts';
import { generationsOf, siteNameOf, storesOf } from '../site/generations.ts';
import type { KnownSite } from '../site/site.ts';

/** A good copy, and how to get it. */
export interface FoundCopy extends Copy {
  readonly kind: Needed;
  /** As its manifest has it. */
  readonly after?: readonly string[] | undefined;
  readonly from:
    | { readonly file: string; readonly manifest: SiteManifest }
    | { readonly remote: Remote; readonly receipt: Receipt };
}

/** The copies of a site that this machine reaches without the site itself. */
export interface FoundCopies {
  /** The newest first. */
  readonly all: readonly FoundCopy[];
  /** Places that could not be read, and why. */
  readonly unread: readonly string[];
}

const isNeeded = (kind: string): kind is Needed => NEEDED.some((one) => one === kind);

/** Looks into the folders of the site's generations, and on its remotes. */
export async function findCopies(known: KnownSite, io: Io, signal: AbortSignal): Promise<FoundCopies> {
  const own = siteNameOf(known);
  const unread: string[] = [];
  const shelves = storesOf(known).map(async ({ folder }): Promise<FoundCopy[]> => {
    const shelf = await readShelf(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') unread.push(`${folder}: ${error.message}`);
      return [];
    });
    return shelf.flatMap(({ id, kind, state, at, bytes, file, manifest }) =>
      isNeeded(kind) && state === 'good' && manifest?.kind === kind && manifest.site === own
        ? [{ id, kind, at, after: manifest.after, bytes, place: folder, from: { file, manifest } }]
        : [],
    );
  });
  const hasRemote = generationsOf(known).some(({ remote }) => remote !== null);
  const remotes = (hasRemote ? remotesOf(known, io, signal) : []).map(async (remote) => {
    const copies = await readRemote(remote.rclone).catch((error: Error) => {
      signal.throwIfAborted();
      unread.push(`${remote.name}: ${error.message}`);
      return [];
    });
    return copies.flatMap(({ id, state, receipt }): FoundCopy[] => {
      const kind = parseArtefactId(id)?.kind ?? '';
      if (state !== 'good' || receipt?.site !== own || !isNeeded(kind)) return [];
      const { at, after, content } = receipt;
      return [{ id, kind, at, after, bytes: content.bytes, place: remote.name, from: { remote, receipt } }];
    });
  });
  const all = (await Promise.all([...shelves, ...remotes])).flat();
  return { all: all.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)), unread };
}

/** Those that a failover takes. */
export type ChosenCopies = Readonly<Partial<Record<Needed, FoundCopy>>>;

/** The one of each kind that was made last. @param before only older ones; of the secrets always the newest */
export const newestCopies = ({ all }: FoundCopies, before: Date | null = null): ChosenCopies =>
  Object.fromEntries(
    NEEDED.flatMap((kind) => {
      const isEarly = ({ at }: FoundCopy) =>
        before === null || kind === 'secrets' || kind === 'releases' || Date.parse(at) < before.getTime();
      const found = madeLast(all.filter((one) => one.kind === kind && isEarly(one)));
      return found ? [[kind, found]] : [];
    }),
  );

/**
 * Brings a copy into a folder, as the backup that it was; one that is there already stays.
 * @throws CliError, ArtefactError, SealError when it is not what its manifest or receipt names
 */
export async function bringCopy(copy: FoundCopy, folder: string, identity: string | null): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const shelf = await readShelf(folder);
  if (shelf.some(({ id, state }) => id === copy.id && state === 'good')) return;
  if ('receipt' in copy.from) {
    if (identity === null)
      throw new CliError('Unable to open a copy without the key of one of its recipients.', {
        fix: 'Name its file: PSA_BACKUP_KEY=…',
        code: 'NO_KEY',
      });
    await fetchCopy(copy.from.remote.rclone, copy.from.receipt, identity, folder);
    return;
  }
  const { file, manifest } = copy.from;
  await writeArtefact({
    ...{ file: join(folder, artefactFile(copy.id)), recipients: [], limit: null },
    async fill(into) {
      await pipeline(createReadStream(file), into, { end: false });
      return {};
    },
    describe: ({ sum }) => {
      if (sum.sha256 !== manifest.sha256)
        throw new ArtefactError(`Unable to use ${copy.id}: it is not what its manifest names.`);
      return manifest;
    },
  });
}
