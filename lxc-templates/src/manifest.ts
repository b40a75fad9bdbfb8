import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** What stands beside an archive. The same inputs give the same manifest: nothing of the build's own time is in it. */
export const Manifest = Type.Object({
  template: Type.String(),
  version: Type.String(),
  description: Type.String(),
  parent: Type.Union([Type.Null(), Type.String()]),
  suite: Type.String(),
  architecture: Type.String(),
  /** SOURCE_DATE_EPOCH of the definition. */
  created: Type.String(),
  /** Digest of the definition, its files and its parents. */
  inputs: Digest,
  archive: Type.String(),
  size: Type.Integer(),
  sha256: Digest,
  unpacked_size: Type.Integer(),
  /** Debian's packages with their versions. */
  packages: Type.Record(Type.String(), Type.String()),
});
export type Manifest = Static<typeof Manifest>;

/** File names of a template in the folder of archives: `<name>-<version>.tar.zst`, `.json`. */
export const fileNames = ({ name, version }: { name: string; version: string }) => ({
  archive: `${name}-${version}.tar.zst`,
  manifest: `${name}-${version}.json`,
});

/** The manifest of a template; null when there is none or it is not whole. */
export function readManifest(folder: string, template: { name: string; version: string }): Manifest | null {
  const file = join(folder, fileNames(template).manifest);
  if (!existsSync(file)) return null;
  try {
    const data: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Value.Check(Manifest, data) ? data : null;
  } catch {
    return null;
  }
}

/** Size of a file; null when it is not there. */
export const sizeOf = async (file: string): Promise<number | null> =>
  (await stat(file).catch(() => null))?.size ?? null;

/** SHA-256 of a file, as hex. */
export async function checksum(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}
