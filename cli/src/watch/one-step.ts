import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '@psa/infra/files/durable';
import { CliError } from '../errors.ts';

/**
 * Writes a file that everybody may read in one step: who reads it sees what it was or all of what it is, whenever this is
 * killed. Its draft has no name that the collector of text files would read.
 * @throws CliError when it cannot be written
 */
export async function writeInOneStep(file: string, text: string): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(draft, text, { flush: true });
    // Whatever the umask is: that of the unit is for files of its own.
    await chmod(draft, 0o644);
    await rename(draft, file);
    await syncFolder(dirname(file));
  } catch (cause) {
    await rm(draft, { force: true });
    throw new CliError(`Unable to write ${file}.`, {
      why: (cause as Error).message,
      fix: 'Name a file in a folder that is there and has room: --out',
      cause,
    });
  }
}
