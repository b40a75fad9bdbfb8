import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchRoot, sha256, TEMPLATES, tarOf } from './scripts.test-helper.ts';

const SCRIPT = join(TEMPLATES, 'node-service/files/usr/local/sbin/psa-release');
const RELEASES = '/opt/psa/releases';

let root: Awaited<ReturnType<typeof scratchRoot>>;
beforeEach(async () => {
  root = await scratchRoot(SCRIPT);
});
afterEach(() => root.remove());

/** A release as it is made: `change` makes it a bad one after its sums were taken. */
async function release(version: string, change: (folder: string) => Promise<unknown> = async () => {}) {
  const folder = await tempDir('release');
  try {
    const files: Record<string, string> = {
      VERSION: `${version}\n`,
      'services/crm/main.mjs': `console.log('${version}');\n`,
      'portals/a b.html': '<p>\n',
    };
    let sums = '';
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder.path, path, '..'), { recursive: true });
      await writeFile(join(folder.path, path), text);
      sums += `${sha256(text)}  ${path}\n`;
    }
    await writeFile(join(folder.path, 'SHA256SUMS'), sums);
    await change(folder.path);
    return zstdCompressSync(await tarOf(folder.path, ['.']));
  } finally {
    await folder.remove();
  }
}
const install = async (version: string, archive?: Buffer) =>
  root.run(['install', version], archive ?? (await release(version)));
const text = async (...args: string[]) => (await root.run(args)).stdout;

describe('psa-release', () => {
  it('installs a release beside the others and switches between them', async () => {
    expect(await text('current')).toBe('none\n');
    expect(await install('0.1.0')).toMatchObject({ code: 0, stdout: 'installed 0.1.0\n', stderr: '' });
    expect(await install('0.2.0')).toMatchObject({ code: 0 });
    expect(await text('list')).toBe('0.1.0\n0.2.0\n');
    expect(await text('current')).toBe('none\n');
    expect(await text('switch', '0.1.0')).toBe('switched 0.1.0\n');
    expect(readlinkSync(root.path('/opt/psa/current'))).toBe('releases/0.1.0');
    expect(await text('switch', '0.2.0')).toBe('switched 0.2.0\n');
    expect(await text('switch', '0.2.0')).toBe('');
    expect(await text('current')).toBe('0.2.0\n');
    expect(await readFile(root.path('/opt/psa/current/services/crm/main.mjs'), 'utf8')).toContain('0.2.0');
  });

  it('a release that is there is not touched; a broken one is replaced', async () => {
    await install('0.1.0');
    expect((await install('0.1.0')).stdout).toBe('there 0.1.0\n');
    const file = root.path(`${RELEASES}/0.1.0/services/crm/main.mjs`);
    await writeFile(file, 'broken');
    expect((await install('0.1.0')).stdout).toBe('installed 0.1.0\n');
    expect(await readFile(file, 'utf8')).toContain('0.1.0');
    expect(readdirSync(root.path(RELEASES))).toEqual(['0.1.0']);
  });

  it.each([
    ['a changed file', (folder: string) => writeFile(join(folder, 'services/crm/main.mjs'), 'x')],
    ['a missing file', (folder: string) => rm(join(folder, 'services/crm/main.mjs'))],
    ['a file too many', (folder: string) => writeFile(join(folder, 'more'), 'x')],
    ['a link', (folder: string) => symlink('/etc/shadow', join(folder, 'link'))],
    ['another version', (folder: string) => writeFile(join(folder, 'VERSION'), '9\n')],
  ])('refuses %s, and leaves nothing behind', async (_, change) => {
    const ran = await install('0.1.0', await release('0.1.0', change));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('Unable to install 0.1.0');
    expect(readdirSync(root.path(RELEASES))).toEqual([]);
  });

  it('refuses an archive that is cut off', async () => {
    const archive = await release('0.1.0');
    const ran = await install('0.1.0', archive.subarray(0, archive.length - 40));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('not whole');
    expect(readdirSync(root.path(RELEASES))).toEqual([]);
  });

  it.each(['../x', '.hidden', 'a/b', '', 'a b'])('refuses the version "%s"', async (version) => {
    for (const verb of ['install', 'switch']) expect((await root.run([verb, version])).code).toBe(1);
    expect(existsSync(root.path('/opt/psa/current'))).toBe(false);
  });

  it('does not switch to what is not installed', async () => {
    await install('0.1.0');
    await root.run(['switch', '0.1.0']);
    const ran = await root.run(['switch', '0.2.0']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('psa-release install 0.2.0');
    expect(await text('current')).toBe('0.1.0\n');
  });

  it('prunes the oldest by their installation, never the current one', async () => {
    const versions = ['0.10.0', '0.9.0', '0.11.0', '0.8.0'];
    for (const [i, version] of versions.entries()) {
      await install(version);
      await utimes(root.path(`${RELEASES}/${version}`), 1000 + i, 1000 + i);
    }
    await root.run(['switch', '0.10.0']);
    expect(await text('prune', '2')).toBe('removed 0.9.0\n');
    expect(await text('list')).toBe('0.10.0\n0.11.0\n0.8.0\n');
    expect(await text('prune', '2')).toBe('');
    expect((await root.run(['prune', '0'])).code).toBe(2);
    expect((await root.run(['prune', 'x'])).code).toBe(2);
  });

  it('what a killed run left is taken away by the next one', async () => {
    await mkdir(root.path(`${RELEASES}/.in.abc/new`), { recursive: true });
    await symlink('releases/x', root.path('/opt/psa/.current.123'));
    await install('0.1.0');
    expect(readdirSync(root.path(RELEASES))).toEqual(['0.1.0']);
    expect(readdirSync(root.path('/opt/psa')).sort()).toEqual(['.lock', 'releases']);
  });

  it('says how it is used', async () => {
    for (const args of [[], ['install'], ['switch'], ['list', 'x'], ['remove', 'x']]) {
      const ran = await root.run(args);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain('Usage: psa-release install VERSION');
    }
  });
});
