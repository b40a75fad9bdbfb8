import { join } from 'node:path';
import { type Entry, list } from './archive.ts';
import { forbidden } from './contents-rules.ts';
import type { Definition } from './definition.ts';
import { checksum, fileNames, readManifest, sizeOf } from './manifest.ts';
import { PRESET, presetOf } from './preset.ts';
import { TemplateError } from './run.ts';

/** What is wrong with an archive; nothing: it may be used. */
export async function verify(
  output: string,
  definition: Definition,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const file = join(output, fileNames(definition).archive);
  const size = await sizeOf(file);
  if (size === null) return ['it is not built'];
  const manifest = readManifest(output, definition);
  if (!manifest) return ['its manifest is missing or broken'];
  const problems: string[] = [];
  if (manifest.inputs !== definition.inputs)
    problems.push('its definition has changed since it was built (or the one of its parent)');
  if (manifest.size !== size) problems.push(`it has ${size} bytes, its manifest says ${manifest.size}`);
  else if (manifest.sha256 !== (await checksum(file, signal)))
    problems.push('its checksum is not the one of its manifest');
  try {
    problems.push(...contentProblems(await list(file, signal), definition));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    problems.push(`it cannot be unpacked: ${error.why ?? error.message}`);
  }
  return problems;
}

/** What is wrong with the content of an archive. */
export function contentProblems(entries: readonly Entry[], definition: Definition): string[] {
  const problems: string[] = [];
  for (const { path, kind, size, mtime } of entries) {
    const why = forbidden(path, kind, size);
    if (why !== null) problems.push(`/${path} is in it: ${why}`);
    if (mtime > definition.epoch) problems.push(`/${path} has the time of the build`);
  }
  const paths = new Map(entries.map((entry) => [entry.path, entry]));
  for (let at: Definition | null = definition; at; at = at.parent) {
    for (const { path, executable } of at.files) {
      const entry = paths.get(path.slice(1));
      if (!entry) problems.push(`${path} is missing`);
      else if (executable !== entry.mode.startsWith('rwx'))
        problems.push(`${path} has the mode ${entry.mode}`);
      else if (entry.owner !== '0/0') problems.push(`${path} belongs to ${entry.owner}`);
    }
  }
  if (paths.get(PRESET.slice(1))?.size !== presetOf(definition).length)
    problems.push(`${PRESET} is missing or another: every unit would start at a container's first boot`);
  if (paths.get('etc/machine-id')?.size !== 0) problems.push('/etc/machine-id is missing or not empty');
  return problems;
}
