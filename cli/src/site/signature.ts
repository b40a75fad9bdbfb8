import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { signatureFault } from '@psa/appliance/signing/minisign';
import { CliError } from '../errors.ts';

/** Where the signature of a file stands. */
export const signatureFile = (file: string) => `${file}.minisig`;

/**
 * Reads a file that one of the inventory's keys has signed. What is returned is what was checked: the file may be
 * another one a moment later.
 * @param what said in the error, as in "the release 1.2.0"
 * @param again how it is built anew
 * @throws CliError when it is not there or nobody whom the inventory names has signed it so
 */
export async function readSigned(
  { releases }: Pick<Inventory, 'releases'>,
  file: string,
  what: string,
  again: string,
): Promise<Buffer> {
  const unable = `Unable to use ${what}.`;
  const content = await readFile(file).catch(() => null);
  if (content === null)
    throw new CliError(unable, {
      ...{ outcome: 'not_found', why: `There is no file ${file}.`, fix: `Build it: ${again}` },
    });
  if (!releases.public_keys)
    throw new CliError(unable, {
      why: 'The inventory names no key that releases and templates are signed with (releases.public_keys).',
      fix: 'On the machine that builds, run: psactl secrets signing-key. Put the line that it prints into the inventory.',
    });
  const signature = await readFile(signatureFile(file), 'utf8').catch(() => null);
  const fault =
    signature === null
      ? `nobody has signed it (there is no ${basename(signatureFile(file))})`
      : signatureFault(content, basename(file), signature, releases.public_keys);
  if (fault === null) return content;
  throw new CliError(unable, {
    why: `${file}: ${fault}.`,
    fix: `Do not use it unless you know where it comes from. Build it on the machine whose key the inventory names: ${again}`,
  });
}
