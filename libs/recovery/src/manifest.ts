import { existsSync, readFile } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '@psa/infra/files/durable';
import { ARTEFACT_KINDS, type ArtefactKind, isSealed, parseArtefactId } from './artefact-name.ts';
import type { Sum } from './sealed.ts';

/** What the manifest of every artefact says. */
interface AnyManifest {
  /** Version of this form. */
  readonly manifest: 1;
  /** `embedded-20261130T035159Z-3f9a2c` */
  readonly id: string;
  /** When it was begun, from the copy of the database where there is one; ISO 8601. */
  readonly at: string;
  /**
   * Those of its kind that were there when it was made, and are dated later: a clock was set back, or had been ahead. Absent:
   * there was none.
   */
  readonly after?: readonly string[];
  readonly bytes: number;
  /** Null: a Proxmox Backup Server or pgBackRest has it, which know no sum of the whole and check each part themselves. */
  readonly sha256: string | null;
  /** What it was closed for: `age1…`; empty: it is not encrypted. */
  readonly recipients: readonly string[];
  readonly duration_ms: number;
  /** Of that, reading it back. Absent: it was written before this was noted, or another program reads it. */
  readonly read_back_ms?: number;
  /** It was read back to its last byte after it was written; null: a Proxmox Backup Server has it, which verifies by a job. */
  readonly verified_at: string | null;
}

/** Of the platform in one process. */
export interface EmbeddedManifest extends Omit<AnyManifest, keyof Sum>, Sum {
  readonly kind: 'embedded';
  /** Which platform: PostgreSQL's `system_identifier`, which a restore keeps. Absent: psactl 0.1.0 did not write it. */
  readonly platform?: string;
  /** The platform's release. */
  readonly version: string;
  /** `15.18` */
  readonly postgres: string;
  /** From where to where the log is needed to make the copy whole. */
  readonly lsn: { readonly start: string; readonly stop: string };
  /** Bytes that a restore writes. */
  readonly content_bytes: number;
  /** Entries of the archive. */
  readonly entries: number;
}

/** Of a part of a site. */
export interface SiteManifest extends AnyManifest {
  readonly kind: Exclude<ArtefactKind, 'embedded'>;
  /** Which site: `psa/main`, the names of its inventory and of the site in it. */
  readonly site: string;
  /** Those of one run belong together: `20261130T020000Z-3f9a2c`. */
  readonly run: string;
  /** The generation; null: it was taken for another reason, and the policy does not count it. */
  readonly tier: string | null;
  /** Where it was read. */
  readonly from: {
    readonly node?: string;
    /** Id of the container. */
    readonly container?: number;
    readonly name?: string;
    /** `primary`, `replica`, `master` */
    readonly role?: string;
  };
  /** Where its archive is, when that is no file beside the manifest. */
  readonly volume?: { readonly storage: string; readonly volid: string };
  /** Which copy of pgBackRest's repository it is: it has no file of its own. */
  readonly repository?: {
    readonly label: string;
    readonly type: 'full' | 'diff' | 'incr';
    /** Labels without which it cannot be restored. */
    readonly needs: readonly string[];
  };
  /** Bytes before compression; null: not known. */
  readonly content_bytes: number | null;
  /** Of the program that was asked: PostgreSQL, Redis, RabbitMQ, or the platform's releases. */
  readonly version: string | null;
  /** Where the log stood when the dump was begun. */
  readonly lsn?: string;
  /** The databases in it. */
  readonly databases?: readonly string[];
  /** How a running container was copied. */
  readonly mode?: 'snapshot' | 'suspend' | 'stop' | 'stopped';
  /** What was said while it was made, and does not make it bad. */
  readonly warnings: readonly string[];
}

/** Stands beside an artefact and says what it is; the artefact without it is not yet a backup. */
export type Manifest = EmbeddedManifest | SiteManifest;

/** A manifest that cannot be read: nobody knows what the artefact beside it ought to be. */
class ManifestError extends Error {
  override readonly name = 'BackupError';
  readonly fix: string;

  constructor(file: string, why: string, cause: unknown) {
    super(`Unable to read ${manifestOf(file)}: it is damaged (${why}).`, { cause });
    this.fix = 'Take another backup, or put the copy of this file from another place there.';
  }
}

/** A manifest of a later form: nothing is wrong with it, and nobody here knows what it says. */
export class NewerManifestError extends Error {
  override readonly name = 'NewerBackupError';
  readonly fix = 'Use the psactl that made it, or a later one.';

  constructor(file: string, form: number) {
    super(
      `Unable to read ${manifestOf(file)}: it was made by a newer psactl (it is of form ${form}, and this one knows ${FORM}).`,
    );
  }
}

/** The form of manifests that is written and read here. */
const FORM = 1;

export const manifestOf = (file: string): string => `${file}.json`;

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isObject = (value: unknown): value is Partial<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isOneOf = (value: unknown, fits: (value: unknown) => boolean) => value === null || fits(value);
const isLeftOut = (value: unknown, fits: (value: unknown) => boolean) => value === undefined || fits(value);

/** Of what is relied on, the field that is missing or no such thing; null: all is there. */
function wrongField(read: Partial<Record<string, unknown>> | null): string | null {
  if (!isObject(read)) return 'it is no object';
  const { kind } = read;
  const checks: Readonly<Record<string, boolean>> = {
    manifest: read.manifest === FORM,
    kind: ARTEFACT_KINDS.some((known) => known === kind),
    id: isText(read.id) && String(read.id).startsWith(`${String(kind)}-`),
    at: isText(read.at) && isMoment(String(read.at)),
    after: isLeftOut(read.after, isTexts),
    bytes: isCount(read.bytes),
    sha256: isText(read.sha256) || (read.sha256 === null && isSummedElsewhere(read)),
    recipients: isTexts(read.recipients),
    content_bytes: isOneOf(read.content_bytes, isCount),
    // Below nothing where the clock was set back meanwhile, which says nothing of the backup.
    duration_ms: Number.isFinite(read.duration_ms),
    ...(kind === 'embedded'
      ? {
          ...{ version: isText(read.version), entries: isCount(read.entries) },
          platform: isLeftOut(read.platform, isText),
        }
      : siteChecks(read)),
  };
  const wrong = Object.entries(checks).find(([, isRight]) => !isRight);
  return wrong ? `its "${wrong[0]}" is missing or no such thing` : null;
}

/** What is relied on in the manifest of a part of a site. */
function siteChecks(read: Partial<Record<string, unknown>>): Readonly<Record<string, boolean>> {
  const { kind, from, volume, repository } = read;
  const name = parseArtefactId(String(read.id));
  const isKind = (value: unknown): value is ArtefactKind => ARTEFACT_KINDS.some((known) => known === value);
  return {
    site: isText(read.site),
    run: isText(read.run) && (name === null || read.run === name.run),
    tier: isOneOf(read.tier, isText),
    from:
      isObject(from) &&
      isLeftOut(from.container, isCount) &&
      [from.node, from.name, from.role].every((one) => isLeftOut(one, isText)),
    version: isOneOf(read.version, isText),
    warnings: Array.isArray(read.warnings) && read.warnings.every((one) => typeof one === 'string'),
    lsn: isLeftOut(read.lsn, (value) => /^[0-9A-F]+\/[0-9A-F]+$/i.test(String(value))),
    databases: isLeftOut(read.databases, isTexts),
    volume: isLeftOut(
      volume,
      (value) =>
        isObject(value) && isText(value.storage) && String(value.volid).startsWith(`${value.storage}:`),
    ),
    repository: isLeftOut(
      repository,
      (value) => isObject(value) && isText(value.label) && isText(value.type) && isTexts(value.needs),
    ),
    // Of what is closed before it is written nobody could say who opens it.
    recipients:
      isTexts(read.recipients) && (!isKind(kind) || isSealed(kind) === (read.recipients as []).length > 0),
  };
}

/** pgBackRest, or a Proxmox Backup Server by how it names its snapshots (`vault:backup/ct/300/…`), checks each part itself. */
const isSummedElsewhere = ({ kind, volume }: Partial<Record<string, unknown>>): boolean =>
  kind === 'pitr' ||
  (kind === 'container' && isObject(volume) && /^[^:]+:backup\/ct\//.test(String(volume.volid)));

/** As every manifest is written: at UTC, so that texts are in the order of their moments. */
const isMoment = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/.test(text) && !Number.isNaN(Date.parse(text));

const reading = promisify(readFile);

/** A small file. Of 20,000 in memory this took 0.5 s of the processor, `readFile` of node:fs/promises 1.4 s. */
export const readText = (file: string): Promise<string> => reading(file, 'utf8');

/**
 * The manifest beside an artefact; null: there is none.
 * @throws BackupError when there is one that cannot be read, or lacks what is relied on; it names the field.
 * NewerBackupError when a newer psactl made it
 */
export async function readManifest(file: string): Promise<Manifest | null> {
  const text = await readText(manifestOf(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  let read: Manifest;
  try {
    read = JSON.parse(text) as Manifest;
  } catch (cause) {
    throw new ManifestError(file, 'it is no JSON', cause);
  }
  const form = (read as { manifest?: unknown } | null)?.manifest;
  if (Number.isSafeInteger(form) && Number(form) > FORM) throw new NewerManifestError(file, Number(form));
  const wrong = wrongField(read as unknown as Record<string, unknown>);
  if (wrong !== null) throw new ManifestError(file, wrong, null);
  return read;
}

export const writeManifest = (file: string, manifest: Manifest): Promise<void> =>
  writeBeside(manifestOf(file), manifest);

/** Gives what was written and read back its name, with its manifest beside it. */
export async function publish(part: string, file: string, manifest: Manifest): Promise<void> {
  await writeManifest(file, manifest);
  await rename(part, file);
  await syncFolder(dirname(file));
}

/** Takes away what did not come to its end; what has its name stays. */
export async function discard(part: string, file: string): Promise<void> {
  await rm(part, { force: true });
  if (!existsSync(file)) await rm(manifestOf(file), { force: true });
}

/** Writes what is said of an artefact in one step, onto the disk: whoever looks sees all of it or nothing. */
export async function writeBeside(path: string, content: object): Promise<void> {
  const draft = `${path}.part`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}
