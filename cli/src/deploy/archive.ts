import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../errors.ts';

/** A release that was looked into. */
export interface Archive {
  readonly file: string;
  readonly version: string;
  readonly bytes: number;
  readonly files: number;
}

/** Where the archive of a release stands. */
export const archiveFile = (directory: string, version: string) =>
  join(directory, `psa-platform-${version}.tar.zst`);

/** Unpacks a release beside and compares every file with its sum. @throws CliError when it is not whole */
export async function checkArchive(directory: string, version: string): Promise<Archive> {
  const file = archiveFile(directory, version);
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => null,
  );
  const unable = `Unable to use the release ${version}.`;
  if (bytes === null) {
    throw new CliError(unable, {
      outcome: 'not_found',
      why: `There is no file ${file}.`,
      fix: `Build it: npm run release -- --version ${version}`,
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'psa-release-'));
  const again = `Build it anew: npm run release -- --version ${version}`;
  try {
    await promisify(execFile)('tar', ['--zstd', '-xf', file, '-C', folder]).catch((error) => {
      throw new CliError(unable, {
        why: `${file}: ${String(error.stderr || error.message).trim()}`,
        fix: again,
      });
    });
    const named = (await readFile(join(folder, 'VERSION'), 'utf8').catch(() => '')).trim();
    if (named !== version) {
      throw new CliError(unable, { why: `${file} says that it is "${named}".`, fix: again });
    }
    const sums = (await readFile(join(folder, 'SHA256SUMS'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line.trim() !== '');
    if (sums.length === 0) throw new CliError(unable, { why: `${file} has no SHA256SUMS.`, fix: again });
    for (const line of sums) {
      const [, sum, name] = /^([0-9a-f]{64})[ *]{2}(.+)$/.exec(line) ?? [];
      const path = normalize(name ?? '');
      if (!sum || path.startsWith('..') || path.startsWith('/')) {
        throw new CliError(unable, { why: `SHA256SUMS has the line "${line}".`, fix: again });
      }
      const content = await readFile(join(folder, path)).catch(() => null);
      if (content === null || createHash('sha256').update(content).digest('hex') !== sum) {
        throw new CliError(unable, { why: `${path} does not have its sum.`, fix: again });
      }
    }
    return { file, version, bytes, files: sums.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
