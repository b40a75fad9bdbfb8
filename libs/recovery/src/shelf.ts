import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '@psa/infra/files/durable';
import { type ArtefactKind, parseArtefactFile } from './artefact-name.ts';
import { type Manifest, manifestOf, NewerManifestError, readManifest } from './manifest.ts';
import { type Proof, proofOf, readProof } from './proof.ts';
import type { RetainedBackup } from './retention.ts';

/**
 * `good`: it is there with its manifest, and as long as that says. `partial`: it was never finished. `damaged`: it is not
 * what its manifest says, or that cannot be read. `gone`: only its manifest is left. `elsewhere`: its archive is on a
 * storage of the cluster, which was not asked. `newer`: a newer psactl made it, and this one cannot judge it.
 */
export type BackupState = 'good' | 'partial' | 'damaged' | 'gone' | 'elsewhere' | 'newer';

/** A backup in a folder. */
export interface ShelvedBackup {
  readonly id: string;
  readonly kind: ArtefactKind;
  /** What may stand for one another: `database`, `container-300`. */
  readonly series: string;
  readonly run: string;
  readonly file: string;
  readonly state: BackupState;
  /** When it was begun; of one without a manifest, when its file was last written. */
  readonly at: string;
  /** Bytes that it takes. */
  readonly bytes: number;
  readonly version: string | null;
  /** The generation that it was taken for; null: none. */
  readonly tier: string | null;
  readonly protected: boolean;
  /** It was restored, and what came of it was right; null: it is not proven. */
  readonly proof: Proof | null;
  /** It was restored last, and that went wrong; null: it did not. */
  readonly failure: Proof | null;
  /** What stands beside it; null: nothing that can be read. */
  readonly manifest: Manifest | null;
}

const protectionOf = (file: string) => `${file}.protected`;

/** The artefact that a file is, or stands beside; null: it has to do with none. */
const artefactOf = (name: string): string | null => {
  const artefact = name.replace(/\.(part|json|json\.part|proof\.json|proof\.json\.part)$/, '');
  return parseArtefactFile(artefact) ? artefact : null;
};

/**
 * The backups of a folder, the newest first, from what stands beside them: nothing of them is kept elsewhere. Their
 * content is not read; that is `psactl backup verify`'s.
 */
export async function readShelf(folder: string): Promise<readonly ShelvedBackup[]> {
  const names = new Set(await readdir(folder));
  const files = new Set([...names].flatMap((name) => artefactOf(name) ?? []));
  const left = files.values();
  const all: ShelvedBackup[] = [];
  // So many at once: a file of each is open, of which a process may have some thousands.
  const lane = async () => {
    for (const name of left) {
      const one = await readOne(folder, name, names);
      if (one !== null) all.push(one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return byPlatform(all).sort(newestFirst);
}

/** More than the disk is asked at once by Node's own threads. */
const AT_ONCE = 32;

/**
 * Backups of several platforms in one folder do not stand for one another. One whose manifest does not tell (it was cut
 * off, or is of an earlier release) is of nobody then.
 */
function byPlatform(all: readonly ShelvedBackup[]): ShelvedBackup[] {
  const platformOf = ({ manifest }: ShelvedBackup) =>
    manifest?.kind === 'embedded' ? manifest.platform : undefined;
  if (new Set(all.flatMap((one) => platformOf(one) ?? [])).size < 2) return [...all];
  return all.map((one) => {
    const platform = platformOf(one);
    return platform === undefined ? one : { ...one, series: `${one.series}-${platform}` };
  });
}

/** Of two of the same moment, the greater id first. */
export const newestFirst = (
  a: Pick<ShelvedBackup, 'at' | 'id'>,
  b: Pick<ShelvedBackup, 'at' | 'id'>,
): number => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1);

/** @param names all that stands in the folder: what is not among it is not asked for, which is most of the work of many backups */
async function readOne(
  folder: string,
  name: string,
  names: ReadonlySet<string>,
): Promise<ShelvedBackup | null> {
  const { id, kind, series, run } = parseArtefactFile(name)!;
  const file = join(folder, name);
  const isThere = (path: string) => names.has(basename(path));
  const size = async (path: string) => (isThere(path) ? stat(path).catch(() => null) : null);
  const [whole, part] = await Promise.all([size(file), size(`${file}.part`)]);
  const manifest = isThere(manifestOf(file))
    ? await readManifest(file).catch((error: Error) =>
        error instanceof NewerManifestError ? ('newer' as const) : ('damaged' as const),
      )
    : null;
  const known = typeof manifest === 'string' ? null : manifest;
  const seen = whole ?? part;
  // It went while this looked.
  if (!seen && manifest === null) return null;
  const tried = isThere(proofOf(file)) ? await readProof(file, known) : null;
  return {
    ...{ id, kind, series, run, file },
    state: stateOf(id, whole?.size ?? null, part !== null, manifest),
    at: known?.at ?? (seen ? seen.mtime.toISOString() : new Date(0).toISOString()),
    ...{ bytes: seen?.size ?? known?.bytes ?? 0, version: known?.version ?? null },
    tier: known && known.kind !== 'embedded' ? known.tier : null,
    protected: isThere(protectionOf(file)),
    proof: tried?.result === 'passed' ? tried : null,
    failure: tried?.result === 'failed' ? tried : null,
    manifest: known,
  };
}

function stateOf(
  id: string,
  bytes: number | null,
  isPart: boolean,
  manifest: Manifest | null | 'damaged' | 'newer',
): BackupState {
  if (manifest === 'newer') return 'newer';
  // A copy of its archive may stand beside it all the same.
  if (manifest !== null && manifest !== 'damaged' && manifest.kind !== 'embedded' && bytes === null) {
    const { kind, volume, repository } = manifest;
    const place = kind === 'container' ? volume : kind === 'pitr' ? repository : null;
    if (place !== null) return manifest.id === id && place ? 'elsewhere' : 'damaged';
  }
  if (bytes === null) return isPart ? 'partial' : 'gone';
  if (manifest === 'damaged') return 'damaged';
  if (manifest === null) return 'partial';
  return manifest.id === id && manifest.bytes === bytes ? 'good' : 'damaged';
}

/** Has a backup stay whatever the policy says, or no longer. */
export async function setProtected(file: string, on: boolean): Promise<void> {
  if (on) await writeFile(protectionOf(file), '', { mode: 0o600, flush: true });
  else await rm(protectionOf(file), { force: true });
  await syncFolder(dirname(file));
}

/**
 * As the decision on what stays takes it. One that was read or restored last and is not what it was is no good one; one that only
 * a newer psactl can judge is that one's to remove.
 */
export const retained = ({
  id,
  at,
  state,
  protected: isProtected,
  proof,
  failure,
  manifest,
}: ShelvedBackup): RetainedBackup => ({
  ...(manifest?.after && { after: manifest.after }),
  ...{ id, at, protected: isProtected || state === 'newer', proven: proof !== null },
  good: (state === 'good' || state === 'elsewhere') && failure === null,
});

/** Takes a backup away. Its manifest goes last: what is killed in the middle shows as gone, and the next one ends it. */
export async function removeBackup({ file }: Pick<ShelvedBackup, 'file'>): Promise<void> {
  for (const path of [
    file,
    `${file}.part`,
    `${proofOf(file)}.part`,
    proofOf(file),
    protectionOf(file),
    `${manifestOf(file)}.part`,
    manifestOf(file),
  ])
    await rm(path, { force: true });
  await syncFolder(dirname(file));
}

/** Half of a backup that is older than this was left by one that was killed. */
const STALE_MS = 24 * 3_600_000;

/** Removes what killed runs left half-written: nobody finishes it. */
export async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.part') || artefactOf(name) === null) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > STALE_MS) await rm(join(folder, name), { force: true });
  }
}
