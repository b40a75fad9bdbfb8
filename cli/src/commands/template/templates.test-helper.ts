import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDefinitions } from '@psa/lxc-templates/definition';
import { fileNames, type Manifest } from '@psa/lxc-templates/manifest';
import { signFile } from '../../sign.test-helper.ts';

/** Puts an archive of any content into a folder, as if it had been built from the definition. */
export async function putTemplate(
  folder: string,
  name: string,
  content: string | Buffer,
  more: Partial<Manifest> = {},
): Promise<Manifest> {
  const definition = loadDefinitions().find((one) => one.name === name)!;
  const names = fileNames(definition);
  const data = Buffer.from(content);
  const manifest: Manifest = {
    template: name,
    version: definition.version,
    description: definition.description,
    parent: null,
    suite: definition.suite,
    architecture: 'amd64',
    created: new Date(definition.epoch * 1000).toISOString(),
    inputs: definition.inputs,
    archive: names.archive,
    size: data.length,
    sha256: createHash('sha256').update(data).digest('hex'),
    unpacked_size: 1,
    packages: {},
    ...more,
  };
  await writeFile(join(folder, names.archive), data);
  await writeFile(join(folder, names.manifest), JSON.stringify(manifest));
  await signFile(join(folder, names.manifest));
  return manifest;
}
