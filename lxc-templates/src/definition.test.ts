import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDefinitions } from './definition.ts';
import { TEMPLATES } from './scripts.test-helper.ts';

describe('the definitions of this repository', () => {
  const all = loadDefinitions();

  it('are these, parents before their children', () => {
    expect(all.map(({ name }) => name)).toEqual([
      'base',
      'elasticsearch',
      'haproxy',
      'monitoring',
      'node-service',
      'ops',
      'postgres',
      'rabbitmq',
      'redis',
    ]);
    expect(all.every(({ name, parent }) => name === 'base' || parent?.name === 'base')).toBe(true);
  });

  it('children have the suite and the time of their parent', () => {
    const base = all[0]!;
    for (const one of all) expect([one.suite, one.epoch]).toEqual([base.suite, base.epoch]);
  });

  it('name units whose services wait for their configuration', () => {
    const disabled = all.flatMap((one) => one.units?.disable ?? []);
    for (const unit of [
      'patroni',
      'etcd',
      'pgbouncer',
      'redis-server',
      'redis-sentinel',
      'rabbitmq-server',
      'haproxy',
      'keepalived',
      'prometheus',
    ])
      expect(disabled).toContain(`${unit}.service`);
  });

  it('node-service has the Node of the lock file', () => {
    const files = all.find(({ name }) => name === 'node-service')!.files;
    expect(files).toContainEqual(
      expect.objectContaining({ path: '/opt/psa/node/bin/node', executable: true }),
    );
    expect(files).toContainEqual(
      expect.objectContaining({ path: '/usr/local/sbin/psa-release', executable: true }),
    );
    expect(files).toContainEqual(
      expect.objectContaining({ path: '/etc/systemd/system/psa@.service', executable: false }),
    );
  });
});

describe('the digest of the inputs', () => {
  let folder: TempDir;
  beforeAll(async () => {
    folder = await tempDir('definitions');
    await cp(TEMPLATES, folder.path, { recursive: true });
  });
  afterAll(() => folder.remove());
  const inputs = () =>
    Object.fromEntries(loadDefinitions(folder.path).map(({ name, inputs }) => [name, inputs]));

  it('is the same for the same files, wherever they are', () => {
    const here = Object.fromEntries(loadDefinitions().map(({ name, inputs }) => [name, inputs]));
    expect(inputs()).toEqual(here);
  });

  it('changes with a file of its own, a mode, a script; and with its parent', async () => {
    const before = inputs();
    await writeFile(join(folder.path, 'redis/finish.sh'), '#!/bin/sh\n');
    const script = inputs();
    expect(script.redis).not.toBe(before.redis);
    expect(script.haproxy).toBe(before.haproxy);
    await chmod(join(folder.path, 'node-service/files/usr/local/sbin/psa-release'), 0o644);
    const mode = inputs();
    expect(mode['node-service']).not.toBe(script['node-service']);
    await writeFile(join(folder.path, 'base/files/etc/default/locale'), 'LANG=C\n');
    const base = inputs();
    for (const name of Object.keys(base)) expect(base[name]).not.toBe(mode[name]);
  });
});

describe('a definition that cannot be used is named with its field', () => {
  it.each([
    ['name: x\nversion: 1\ndescription: a test\nparent: base\n', /a\/template\.yaml: \/version/],
    [
      'name: a\nversion: 1.0.0\ndescription: a test\nsurprise: 1\nsuite: x\nsource_date_epoch: 1700000000\n',
      /\/surprise is no field of a template/,
    ],
    ['name: b\nversion: 1.0.0\ndescription: a test\nparent: a\n', /its name is "b", that of its folder "a"/],
    ['name: a\nversion: 1.0.0\ndescription: a test\nparent: a\n', /stands on itself: a → a/],
    ['name: a\nversion: 1.0.0\ndescription: a test\nparent: b\n', /no template "b"/],
    ['name: a\nversion: 1.0.0\ndescription: a test\n', /needs suite and source_date_epoch/],
    ['name: [\n', /template\.yaml/],
  ])('%j', async (yaml, why) => {
    const folder = await tempDir('definition');
    try {
      await mkdir(join(folder.path, 'a'));
      await writeFile(join(folder.path, 'a/template.yaml'), yaml);
      expect(() => loadDefinitions(folder.path)).toThrow(why);
    } finally {
      await folder.remove();
    }
  });
});
