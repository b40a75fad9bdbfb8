import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '@psa/lxc-templates/manifest';
import { CliError } from '../errors.ts';
import { readSigned } from './signature.ts';
import type { KnownSite } from './site.ts';

/** The archive of a template on this machine: beside the inventory, or where the repository builds them. Null: nowhere. */
export async function findTemplate(site: Pick<KnownSite, 'file'>, file: string): Promise<string | null> {
  for (const folder of await foldersOf(site)) {
    const path = join(folder, file);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}

/** An archive of a template that was signed by way of its manifest. */
export interface SignedTemplate {
  readonly path: string;
  readonly manifest: Manifest;
}

/**
 * The same where it must be there, with the manifest that one of the inventory's keys has signed. Whoever takes the
 * archive in compares its checksum with the manifest's.
 * @throws CliError when it is nowhere, not signed, or not the one of its manifest
 */
export async function signedTemplate(
  site: Pick<KnownSite, 'file' | 'inventory'>,
  file: string,
): Promise<SignedTemplate> {
  const found = await findTemplate(site, file);
  if (found !== null) return checkTemplate(site, found);
  throw new CliError(`Unable to find ${file}.`, {
    outcome: 'not_found',
    why: `It is in none of ${[...new Set(await foldersOf(site))].join(', ')}.`,
    fix: 'Build it: psactl template build',
  });
}

/** The manifest of an archive, which one of the inventory's keys has signed and which is that archive's. @throws CliError */
export async function checkTemplate(
  { inventory }: Pick<KnownSite, 'inventory'>,
  path: string,
): Promise<SignedTemplate> {
  const { checksum, Manifest } = await import('@psa/lxc-templates/manifest');
  const { Value } = await import('typebox/value');
  const file = path.replace(/\.tar\.zst$/, '.json');
  const what = `the template ${basename(path)}`;
  const again = 'psactl template build';
  const text = (await readSigned(inventory, file, what, again)).toString();
  const manifest: unknown = JSON.parse(text);
  const isOwn =
    Value.Check(Manifest, manifest) &&
    manifest.archive === basename(path) &&
    manifest.sha256 === (await checksum(path));
  if (isOwn) return { path, manifest };
  throw new CliError(`Unable to use ${what}: its archive is not the one of its manifest.`, {
    why: `${path} was changed, or put there by somebody else.`,
    fix: `Build it again: ${again} --force`,
  });
}

async function foldersOf({ file }: Pick<KnownSite, 'file'>): Promise<readonly string[]> {
  const { ARCHIVES } = await import('@psa/lxc-templates/definition');
  return [join(dirname(file), 'dist/templates'), ARCHIVES];
}
