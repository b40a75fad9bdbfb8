import { rm } from 'node:fs/promises';
import { type Manifest, readText, writeBeside } from './manifest.ts';

/** Something of a restored backup, beside the same thing of what was backed up. */
export interface Comparison {
  /** For people, as the subject of a sentence: `rows of tickets.tickets`. */
  readonly what: string;
  /** What the source had when it was backed up; null: nobody wrote it down, and it was only seen that it reads. */
  readonly wanted: string | number | null;
  readonly found: string | number;
  readonly same: boolean;
}

/** What came of restoring a backup; stands beside it, and only the last one. */
export interface Proof {
  /** Version of this form. */
  readonly proof: 1;
  /** The backup. */
  readonly id: string;
  /** What the artefact was known by when it was restored; null: a Proxmox Backup Server has it. */
  readonly sha256: string | null;
  /** When it had been restored; ISO 8601. */
  readonly at: string;
  /** Who restored it: a drill's id, or `verify`; {@link READING} when it was only read, and that was enough to fail. */
  readonly by: string;
  /** `failed`: it did not restore, or to something else than it was made of. It never counts as proven. */
  readonly result: 'passed' | 'failed';
  /** Why it failed; null: it passed. */
  readonly why: string | null;
  /** How long the restore took, without what was looked at afterwards. */
  readonly duration_ms: number;
  /** Each thing that was compared, those that differ first. */
  readonly compared: readonly Comparison[];
}

/** The file beside an artefact that holds what came of restoring it. */
export const proofOf = (file: string): string => `${file}.proof.json`;

/** A manifest's part that a proof is held against. */
type Known = Pick<Manifest, 'id' | 'sha256'>;

/** Who says that a backup failed which nobody restored: it was read to its last byte, or could not be. */
export const READING = 'reading';

/**
 * Writes down what came of reading a backup back. That it is not what it was made is as good as a restore that failed;
 * that it is takes back what a reading before said, and proves nothing.
 * @param why null: it is what its manifest says
 */
export async function writeReading(
  file: string,
  manifest: Known,
  why: string | null,
  at: Date,
): Promise<void> {
  const before = await readProof(file, manifest);
  if (why === null) {
    if (before?.by === READING) await rm(proofOf(file), { force: true });
    return;
  }
  // A restore that failed says more.
  if (before?.result === 'failed' && before.by !== READING) return;
  await writeProof(file, {
    ...{ proof: 1, id: manifest.id, sha256: manifest.sha256, at: at.toISOString(), by: READING },
    ...{ result: 'failed', why, duration_ms: 0, compared: [] },
  });
}

/** Writes down what came of restoring a backup, in the place of what an earlier attempt said. */
export const writeProof = (file: string, proof: Proof): Promise<void> => writeBeside(proofOf(file), proof);

/**
 * What came of the last attempt to restore a backup; null: there was none, or what stands there says nothing of these bytes.
 * @param manifest of the artefact as it is now: what was proven of others proves nothing of it
 */
export async function readProof(file: string, manifest: Known | null): Promise<Proof | null> {
  if (manifest === null) return null;
  try {
    const proof = JSON.parse(await readText(proofOf(file))) as Proof;
    const isOfIt = proof.proof === 1 && proof.id === manifest.id && proof.sha256 === manifest.sha256;
    const isWhole =
      (proof.result === 'passed' || proof.result === 'failed') && !Number.isNaN(Date.parse(proof.at));
    return isOfIt && isWhole ? proof : null;
  } catch {
    // None, or one that cannot be read: it is not proven.
    return null;
  }
}

/** Whether everything that was compared is the same. */
export const allSame = (compared: readonly Comparison[]): boolean => compared.every(({ same }) => same);

/** The comparison of what was written down with what was found. */
export const compare = (
  what: string,
  wanted: Comparison['wanted'],
  found: Comparison['found'],
): Comparison => ({ what, wanted, found, same: wanted === null || wanted === found });

/** Why a restore failed that came to its end: what differs, as one sentence. */
export function differences(compared: readonly Comparison[]): string {
  const wrong = compared.filter(({ same }) => !same);
  const shown = wrong.slice(0, 3).map(({ what, wanted, found }) => `${what}: ${found} in place of ${wanted}`);
  const more = wrong.length > shown.length ? `, and ${wrong.length - shown.length} more` : '';
  return `${shown.join('; ')}${more}`;
}

/** Whole hours since a moment; 0 for one that lies ahead, as after a clock that was wrong. */
export const hoursSince = (at: string, now: number): number =>
  Math.max(0, Math.floor((now - Date.parse(at)) / 3_600_000));
