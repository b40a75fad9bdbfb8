import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentsArchive } from '@psa/appliance/contents/archive';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { execute, specOf } from '../runtime.contract.ts';
import { FakeRuntime } from './fake-runtime.ts';

let folder: TempDir;
let rootfs: string;
let runtime: FakeRuntime;
beforeAll(async () => {
  folder = await tempDir('fake-appliance');
  rootfs = join(folder.path, 'rootfs');
  await mkdir(rootfs);
  runtime = new FakeRuntime({
    file: join(folder.path, 'fake.json'),
    network: { attachment: () => ({ namespace: 'pve1', link: 'vmbr0v20' }) },
  });
  await runtime.start(specOf('pve1', 101, rootfs));
});
afterAll(() => folder.remove());

async function call(argv: readonly string[], stdin?: Buffer) {
  const { code, stdout, stderr } = await execute(runtime, ['pve1', 101], argv, stdin);
  return { code, lines: stdout.split('\n').filter(Boolean), err: stderr };
}

const contents = (port: number, extra: boolean) =>
  contentsArchive({
    files: [
      { path: '/etc/psa/web.env', text: `PORT=${port}\n`, mode: 0o640, owner: 'root:psa' },
      ...(extra ? [{ path: '/etc/psa/extra', text: 'x\n', mode: 0o644, owner: 'root:root' }] : []),
    ],
    units: [
      { name: 'web.service', onChange: 'restart', paths: ['/etc/psa/web.env'] },
      ...(extra ? [{ name: 'extra.timer', onChange: 'reload' as const, paths: [] }] : []),
    ],
  });

it('psa-config brings files and units into the wanted state, tells each change, and does nothing twice', async () => {
  const first = contents(3000, true);
  expect((await call(['psa-config', 'check'])).lines).toEqual(['digest none']);
  const installed = [
    'installed /etc/psa/extra',
    'installed /etc/psa/web.env',
    'started web.service',
    'started extra.timer',
  ];
  expect((await call(['psa-config', 'apply'], first.tar)).lines).toEqual(installed);
  expect((await call(['psa-config', 'apply'], first.tar)).lines).toEqual([]);
  expect((await call(['psa-config', 'check'])).lines).toEqual([
    `digest ${first.digest}`,
    'unit web.service active',
    'unit extra.timer active',
  ]);
  const second = contents(3001, false);
  expect((await call(['psa-config', 'apply'], second.tar)).lines).toEqual([
    'installed /etc/psa/web.env',
    'removed /etc/psa/extra',
    'stopped extra.timer',
    'restarted web.service',
  ]);
  expect(await readFile(join(rootfs, 'etc/psa/web.env'), 'utf8')).toBe('PORT=3001\n');
});

it('psa-config check finds what was changed by hand, and apply heals it', async () => {
  const wanted = contents(3001, false);
  await writeFile(join(rootfs, 'etc/psa/web.env'), 'PORT=9\n');
  await call(['systemctl', 'stop', 'web.service']);
  expect((await call(['psa-config', 'check'])).lines).toEqual([
    `digest ${wanted.digest}`,
    'changed /etc/psa/web.env',
    'unit web.service inactive',
  ]);
  await call(['psa-config', 'apply'], wanted.tar);
  await chmod(join(rootfs, 'etc/psa/web.env'), 0o666);
  expect((await call(['psa-config', 'check'])).lines[1]).toBe('changed /etc/psa/web.env');
  await rm(join(rootfs, 'etc/psa/web.env'));
  expect((await call(['psa-config', 'check'])).lines[1]).toBe('missing /etc/psa/web.env');
  await call(['psa-config', 'apply'], wanted.tar);
  expect((await call(['systemctl', 'is-active', 'web.service'])).lines).toEqual(['active']);
  const broken = await call(['psa-config', 'apply'], Buffer.from('no archive'));
  expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('psa-config: Unable to apply')]);
});

it('units come up again with the container', async () => {
  await runtime.stop('pve1', 101);
  await runtime.start(specOf('pve1', 101, rootfs));
  expect((await call(['systemctl', 'is-active', 'web'])).lines).toEqual(['active']);
  expect((await call(['systemctl', 'is-active', 'other'])).code).toBe(3);
});

it('psa-release installs whole releases, switches and forgets old ones', async () => {
  const archive = async (version: string, sum?: string) => {
    const source = join(folder.path, version);
    await mkdir(source, { recursive: true });
    await writeFile(join(source, 'VERSION'), `${version}\n`);
    const hash = createHash('sha256').update(`${version}\n`).digest('hex');
    await writeFile(join(source, 'SHA256SUMS'), `${sum ?? hash}  VERSION\n`);
    return execFileSync('tar', ['-c', '--zstd', '-C', source, '.']);
  };
  expect((await call(['psa-release', 'current'])).lines).toEqual(['none']);
  expect((await call(['psa-release', 'install', '1.0.0'], await archive('1.0.0'))).lines).toEqual([
    'installed 1.0.0',
  ]);
  expect((await call(['psa-release', 'install', '1.0.0'], await archive('1.0.0'))).lines).toEqual([
    'there 1.0.0',
  ]);
  expect((await call(['psa-release', 'switch', '1.0.0'])).lines).toEqual(['switched 1.0.0']);
  const broken = await call(['psa-release', 'install', '1.1.0'], await archive('1.1.0', 'f00'));
  expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('not those of its SHA256SUMS')]);
  await call(['psa-release', 'install', '1.2.0'], await archive('1.2.0'));
  expect((await call(['psa-release', 'list'])).lines).toEqual(['1.0.0', '1.2.0']);
  expect((await call(['psa-release', 'prune', '1'])).lines).toEqual([]);
  await call(['psa-release', 'switch', '1.2.0']);
  expect((await call(['psa-release', 'prune', '1'])).lines).toEqual(['removed 1.0.0']);
  expect((await call(['psa-release', 'switch', '1.0.0'])).code).toBe(1);
});
