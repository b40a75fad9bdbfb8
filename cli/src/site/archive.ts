import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../errors.ts';
import { readSigned } from './signature.ts';
import type { KnownSite } from './site.ts';

/** A release that was looked into. */
export interface Archive {
  readonly version: string;
  /** What was looked into, and so what is installed. */
  readonly content: Buffer;
  readonly files: number;
}

type Home = Pick<KnownSite, 'inventory' | 'path'>;

/** Where the archive of a release stands. */
export const archiveFile = (directory: string, version: string) =>
  join(directory, `psa-platform-${version}.tar.zst`);

/** The archive of a release, as one of the inventory's keys has signed it. @throws CliError when none has */
export const readArchive = ({ inventory, path }: Home, version: string): Promise<Buffer> =>
  readSigned(
    inventory,
    archiveFile(path(inventory.releases.directory), version),
    `the release ${version}`,
    `npm run release -- --version ${version}`,
  );

/** Unpacks a signed release beside and compares every file with its sum. @throws CliError when it is not whole */
export async function checkArchive(site: Home, version: string): Promise<Archive> {
  const content = await readArchive(site, version);
  const file = archiveFile(site.path(site.inventory.releases.directory), version);
  const unable = `Unable to use the release ${version}.`;
  const place = await mkdtemp(join(tmpdir(), 'psa-release-'));
  const folder = join(place, 'tree');
  const again = `Build it anew: npm run release -- --version ${version}`;
  try {
    await mkdir(folder);
    await writeFile(join(place, 'archive'), content);
    await promisify(execFile)('tar', ['--zstd', '-xf', join(place, 'archive'), '-C', folder]).catch(
      (error) => {
        throw new CliError(unable, {
          why: `${file}: ${String(error.stderr || error.message).trim()}`,
          fix: again,
        });
      },
    );
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
    return { version, content, files: sums.length };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
