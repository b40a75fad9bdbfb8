import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newSigningKey } from '@psa/appliance/signing/minisign';
import { loadDefinitions } from '@psa/lxc-templates/definition';
import { fileNames } from '@psa/lxc-templates/manifest';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab } from '../../fake-lab.test-helper.ts';
import { COMMANDS } from '../../registry.ts';
import { signFile } from '../../sign.test-helper.ts';
import { putTemplate } from './templates.test-helper.ts';

const NAMES = ['haproxy', 'monitoring', 'node-service', 'ops', 'postgres', 'rabbitmq', 'redis'];

let lab: FakeLab;
let folder: TempDir;
let output: string;
beforeAll(async () => {
  folder = await tempDir('template-push');
  output = join(folder.path, 'templates');
  await mkdir(output);
  for (const name of ['base', ...NAMES]) await putTemplate(output, name, `archive of ${name}`);
  lab = await fakeLab();
});
afterAll(async () => {
  await lab?.close();
  await folder?.remove();
});

const definitionOf = (name: string) => loadDefinitions().find((one) => one.name === name)!;
const volumeOf = (name: string) => `shared:vztmpl/${fileNames(definitionOf(name)).archive}`;

interface Push {
  readonly template: string;
  readonly storage: string;
  readonly action: string;
  readonly reason: string;
}
const push = async (...argv: string[]) => {
  const ran = await lab.psactl('template', 'push', ...argv, '--output', output, '--json');
  const json = JSON.parse(ran.stdout);
  const pushes = ((json.pushes ?? []) as Push[]).toSorted((a, b) => (a.template < b.template ? -1 : 1));
  return { ...ran, error: json.error, pushes };
};
const archives = async () => {
  const path = '/nodes/pve1/storage/shared/content';
  const content = await lab.site.client.request<{ volid: string; size: number }[]>('GET', path, {
    content: 'vztmpl',
  });
  return Object.fromEntries(content.map(({ volid, size }) => [volid, size]));
};

describe('psactl template push', () => {
  it('sends what is not there, and nothing twice', async () => {
    const plan = await push('--dry-run');
    expect(plan.pushes.map(({ template, action }) => [template, action])).toEqual(
      NAMES.map((name) => [name, 'upload']),
    );
    expect(await archives()).toEqual({});
    const first = await push();
    expect(first).toMatchObject({ code: 0 });
    expect(await archives()).toMatchObject({
      [volumeOf('redis')]: 'archive of redis'.length,
      [volumeOf('postgres')]: 'archive of postgres'.length,
    });
    const second = await push();
    expect(second.pushes.map(({ action }) => action)).toEqual(NAMES.map(() => 'keep'));
  });

  it('sends one that was built anew: of other size, or of other content', async () => {
    await putTemplate(output, 'redis', 'archive of redis, longer');
    await putTemplate(output, 'haproxy', 'another haproxy.');
    const { pushes } = await push('--dry-run');
    expect(pushes.filter(({ action }) => action === 'upload')).toMatchObject([
      { template: 'haproxy' },
      { template: 'redis', reason: `there with ${'archive of redis'.length} bytes` },
    ]);
    await push('redis');
    expect((await archives())[volumeOf('redis')]).toBe('archive of redis, longer'.length);
    await push();
    await putTemplate(output, 'haproxy', 'a third haproxy!');
    const same = await push();
    expect(same.pushes.filter(({ action }) => action === 'upload')).toMatchObject([
      { template: 'haproxy', reason: 'there with other content' },
    ]);
  });

  it('refuses an archive that is not the one of its manifest', async () => {
    await putTemplate(output, 'redis', 'a broken one', { sha256: '0'.repeat(64) });
    const ran = await push('redis');
    expect(ran.code).toBe(1);
    expect(ran.error.message).toContain('not the one of its manifest');
    await putTemplate(output, 'redis', 'archive of redis');
  });

  it('refuses what the key of the inventory has not signed, in a dry run, too', async () => {
    await signFile(join(output, fileNames(definitionOf('redis')).manifest), newSigningKey());
    for (const more of [['--dry-run'], []]) {
      const ran = await push('redis', ...more);
      expect(ran.code).toBe(1);
      expect(ran.error.why).toContain('which the inventory does not name');
    }
    await putTemplate(output, 'redis', 'archive of redis');
  });

  it('knows the names, and the versions of the inventory', async () => {
    expect(await push('redos')).toMatchObject({ code: 10 });
    await lab.edit((text) => text.replace(/(redis, version: )[\d.]+/, '$199.0.0'));
    const ran = await push('redis');
    expect(ran.code).toBe(1);
    const { version } = definitionOf('redis');
    expect(ran.error.message).toContain(`asks for version 99.0.0, here is ${version}`);
    await lab.edit((text) => text.replace('99.0.0', version));
  });

  it('the examples of all template commands do what they say', async () => {
    for (const { path, load } of COMMANDS.filter((entry) => entry.path[0] === 'template')) {
      for (const { run } of (await load()).examples) {
        // --force would build for minutes; what it does is tested where templates are built.
        const more = run.includes('--force') ? ['--dry-run'] : [];
        const words = run.split(' ').slice(1);
        const ran = await lab.psactl(...words, ...more, '--output', output);
        // The archives here are none.
        expect([run, ran.code]).toEqual([run, path[1] === 'verify' ? 1 : 0]);
        expect(ran.stdout).not.toBe('');
      }
    }
  });
});
