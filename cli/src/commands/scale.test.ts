import { chmod, lstat, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '@psa/appliance/inventory/load';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from '../run-cli.test-helper.ts';

let dir: TempDir;
let file: string;
beforeEach(async () => {
  dir = await tempDir('scale');
  file = join(dir.path, 'real.yaml');
  await runCli(['init', '--yes', '--domain', 'psa.nordlicht.example', '--inventory', file]);
});
afterEach(() => dir.remove());

const scale = (service: string, inventory = file, replicas = '3') =>
  runCli(
    ['scale', service, replicas, '--inventory', inventory, '--no-apply', '--yes'],
    {},
    { cwd: dir.path },
  );
const replicasOf = async (service: string) => {
  const loaded = loadInventory(await readFile(file, 'utf8'), file);
  return loaded.ok && loaded.inventory.services.find(({ name }) => name === service)!.replicas;
};

it('loses no change when two of them run at once', async () => {
  const services = ['crm', 'auth', 'tickets', 'events'];
  const ran = await Promise.all(services.map((service) => scale(service)));
  expect(ran.map(({ code }) => code).filter((code) => code !== 0 && code !== 11)).toEqual([]);
  expect(ran.some(({ code }) => code === 0)).toBe(true);
  const found = await Promise.all(services.map(replicasOf));
  expect(found).toEqual(ran.map(({ code }) => (code === 0 ? 3 : 2)));
});

it('leaves the rights of the file as they are, and a link a link', async () => {
  await chmod(file, 0o600);
  const link = join(dir.path, 'appliance.yaml');
  await symlink(file, link);
  expect((await scale('crm', link)).code).toBe(0);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await replicasOf('crm')).toBe(3);
});

it('changes nothing when the inventory would not hold', async () => {
  const before = await readFile(file, 'utf8');
  const ran = await scale('crm', file, '500');
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  // Each field once.
  expect(ran.stderr).toMatch(/^ {2}(\S+): (?!.*\1)\S/m);
  expect(await readFile(file, 'utf8')).toBe(before);
});
