import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newSecrets, secretNames } from '@psa/appliance/contents/secrets';
import { loadInventory } from '@psa/appliance/inventory/load';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../run-cli.test-helper.ts';
import { SiteFolder } from '../../site/folder.ts';

let dir: TempDir;
let folder: SiteFolder;
const psactl = (argv: readonly string[], stdin = '') =>
  runCli(argv, { HOME: dir.path }, { cwd: dir.path, stdin });

beforeAll(async () => {
  dir = await tempDir('secrets');
  const file = join(dir.path, 'appliance.yaml');
  await copyFile(new URL('../../../../appliance.yaml', import.meta.url), file);
  const loaded = loadInventory(await readFile(file, 'utf8'), file);
  if (!loaded.ok) throw new Error(file);
  folder = new SiteFolder(join(dir.path, '.psactl', 'main'));
  await folder.writeSecrets(newSecrets(secretNames(loaded.inventory)));
});
afterAll(() => dir.remove());

describe('psactl secrets', () => {
  it('lists names and no values', async () => {
    const values = Object.values(await folder.secrets()).filter((value) => value !== '');
    const { code, stdout } = await psactl(['secrets', 'list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^field_key +set +no /m);
    expect(stdout).toMatch(/^mail_password +not set +by a value /m);
    for (const value of values) expect(stdout).not.toContain(value);
  });

  it('knows what each of them is for', async () => {
    const { stdout } = await psactl(['secrets', 'list', '--json']);
    for (const one of JSON.parse(stdout).secrets) expect(one.what, one.name).not.toBe('');
  });

  it('rotates what may be rotated, and nothing else', async () => {
    const before = await folder.secrets();
    expect((await psactl(['secrets', 'rotate', 'metrics_token'])).code).toBe(0);
    const after = await folder.secrets();
    expect(after.metrics_token).toMatch(/^[0-9a-f]{64}$/);
    expect(after).toEqual({ ...before, metrics_token: after.metrics_token });
    expect((await psactl(['secrets', 'show', 'metrics_token'])).stdout).toBe(`${after.metrics_token}\n`);
    const refused = await psactl(['secrets', 'rotate', 'field_key']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('could not be read any more');
    expect(await folder.secrets()).toEqual(after);
  });

  it('takes a password of others from standard input', async () => {
    expect(await psactl(['secrets', 'show', 'mail_password'])).toMatchObject({ code: 10, stdout: '' });
    expect((await psactl(['secrets', 'rotate', 'mail_password'], 'hunter2\n')).code).toBe(0);
    expect((await psactl(['secrets', 'show', 'mail_password'])).stdout).toBe('hunter2\n');
    expect((await psactl(['secrets', 'rotate', 'nothing'])).code).toBe(10);
  });
});

describe('psactl certs', () => {
  it('makes a certificate for the edge, which may be taken in as one of others', async () => {
    expect((await psactl(['certs', 'list'])).stdout).toContain('There is none yet');
    expect((await psactl(['certs', 'renew'])).stdout).toContain('Made a certificate for psa.example.com');
    const { tls_pem } = await folder.secrets();
    const list = await psactl(['certs', 'list']);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toMatch(/^edge +psa\.example\.com, 10\.0\.40\.10, 127\.0\.0\.1 .* 396\n/m);
    expect(list.stdout).toMatch(/^authority /m);
    await psactl(['certs', 'renew']);
    expect((await folder.secrets()).tls_pem).not.toBe(tls_pem);
    await writeFile(join(dir.path, 'psa.pem'), tls_pem!);
    expect((await psactl(['certs', 'install', 'psa.pem'])).code).toBe(0);
    expect((await folder.secrets()).tls_pem).toBe(tls_pem);
    await writeFile(join(dir.path, 'half.pem'), tls_pem!.slice(0, tls_pem!.indexOf('-----BEGIN PRIVATE')));
    expect(await psactl(['certs', 'install', 'half.pem'])).toMatchObject({ code: 2, stdout: '' });
  });
});
