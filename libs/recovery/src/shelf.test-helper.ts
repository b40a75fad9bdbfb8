import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedManifest, writeManifest } from './manifest.ts';

const two = (day: number) => String(day).padStart(2, '0');

/** Of the backup of a day of November 2026. */
export const idOf = (day: number): string =>
  `embedded-202611${two(day)}T120000Z-${String(day).padStart(6, '0')}`;

export const fileOf = (folder: string, id: string): string => join(folder, `${id}.tar.zst.age`);

/** Puts a backup into a folder as "backup run" leaves it, but for its content. @returns its id */
export async function putBackup(
  folder: string,
  day: number,
  more: Partial<EmbeddedManifest> = {},
): Promise<string> {
  const id = idOf(day);
  const file = fileOf(folder, id);
  await writeFile(file, 'sealed');
  await writeManifest(file, {
    ...{ manifest: 1, id, kind: 'embedded', at: `2026-11-${two(day)}T12:00:00.000Z` },
    ...{ version: '0.1.0', postgres: '15.18', lsn: { start: '0/1', stop: '0/2' }, content_bytes: 100 },
    ...{
      entries: 1,
      recipients: [],
      duration_ms: 1,
      verified_at: '2026-11-01T00:00:00Z',
      bytes: 6,
      sha256: 'x',
    },
    ...more,
  });
  return id;
}
