import { stat } from 'node:fs/promises';
import { identityToRecipient } from 'age-encryption';
import { readManifest } from '../manifest.ts';
import { OtherKeyError, type Sum, unseal } from '../sealed.ts';
import { look } from '../tar.ts';
import { CONTENTS, type Contents, parseContents } from './contents.ts';
import { DATABASE, SECRETS } from './source.ts';

/** An archive that does not restore; the message names the file and says why. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly fix: string | null;

  constructor(message: string, options: { readonly cause?: unknown; readonly fix?: string | null } = {}) {
    super(message, { cause: options.cause });
    this.fix = options.fix ?? null;
  }
}

/** What to do about an archive that another key opens. */
const OTHER_KEY = 'Name the file of the key that it was closed for: PSA_BACKUP_KEY=…';
/** What to do about one that is damaged. */
const ANOTHER =
  'Take another one: "psactl backup list --from FOLDER" shows them, "psactl backup verify" reads one.';

/** What was seen of an archive that is whole. */
export interface SeenArchive extends Sum {
  readonly entries: number;
  readonly contents: Contents;
}

/** Without one of these there is nothing to restore. */
const NEEDED = [
  `${DATABASE}/PG_VERSION`,
  `${DATABASE}/global/pg_control`,
  `${DATABASE}/backup_label`,
  `${DATABASE}/pg_wal/`,
  SECRETS,
  CONTENTS,
];

/** Whether the manifest says that a key opens what stands beside it: then it is not the key that is wrong. */
async function isClosedFor(file: string, identity: string): Promise<boolean> {
  const manifest = await readManifest(file).catch(() => null);
  return manifest?.recipients.includes(await identityToRecipient(identity)) ?? false;
}

/**
 * Reads every byte of an archive back: that it opens with the key, that nothing in it was changed or cut off, and that
 * what a restore needs is there. Against the manifest beside it, where there is one.
 * @throws BackupError, or the error of reading
 */
export async function verifyEmbedded(file: string, identity: string): Promise<SeenArchive> {
  const fail = (why: string, cause?: unknown) =>
    new BackupError(`${file} does not restore: ${why}.`, {
      cause,
      fix: cause instanceof OtherKeyError ? OTHER_KEY : ANOTHER,
    });
  if (!(await stat(file)).isFile()) throw fail('it is no file');
  let seen: Awaited<ReturnType<typeof look>> | null = null;
  const sum = await unseal(file, identity, async (content) => {
    seen = await look(content, CONTENTS);
  }).catch(async (error: Error) => {
    if (error instanceof OtherKeyError && (await isClosedFor(file, identity)))
      throw fail('it is damaged: its manifest says that this key opens it, and it does not');
    if (error.name === 'SealError' || error.name === 'TarError') throw fail(error.message, error);
    throw error;
  });
  const { names, content } = seen!;
  const missing = NEEDED.find((name) => !names.includes(name));
  if (missing !== undefined) throw fail(`there is no ${missing} in it`);
  const contents = parseContents(content ?? '');
  if (contents === null) throw fail(`its ${CONTENTS} cannot be read`);
  const manifest = await readManifest(file);
  if (manifest) {
    if (manifest.id !== contents.id) throw fail(`its manifest is that of ${manifest.id}`);
    if (manifest.kind !== 'embedded') throw fail('its manifest is that of something else');
    if (manifest.sha256 !== sum.sha256) throw fail('it is not what its manifest names (another SHA-256)');
    if (manifest.entries !== names.length)
      throw fail(`it has ${names.length} entries, its manifest names ${manifest.entries}`);
  }
  return { ...sum, entries: names.length, contents };
}
