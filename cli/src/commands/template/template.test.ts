import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { loadDefinitions } from '@psa/lxc-templates/definition';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../run-cli.test-helper.ts';
import { putTemplate } from './templates.test-helper.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir('template-cli');
});
afterAll(() => folder.remove());

const at = (name: string) => join(folder.path, name);
const psactl = async (output: string, ...argv: string[]) => {
  const ran = await runCli(['template', ...argv, '--output', at(output), '--json'], {}, { cwd: folder.path });
  return { ...ran, json: JSON.parse(ran.stdout) };
};

describe('psactl template list', () => {
  it('says of each whether it is built, of another definition, or not there', async () => {
    await mkdir(at('list'));
    await putTemplate(at('list'), 'base', 'base');
    await putTemplate(at('list'), 'redis', 'redis', { inputs: createHash('sha256').digest('hex') });
    const { json, code } = await psactl('list', 'list');
    expect(code).toBe(0);
    const states = Object.fromEntries(
      json.templates.map((one: { template: string; state: string }) => [one.template, one.state]),
    );
    expect(states).toMatchObject({ base: 'built', redis: 'outdated', postgres: 'missing' });
    expect(json.templates).toHaveLength(loadDefinitions().length);
  });
});

describe('psactl template build', () => {
  it('plans what is missing or has changed, and skips what this machine has no source for', async () => {
    await mkdir(at('plan'));
    await putTemplate(at('plan'), 'base', 'base');
    const { json } = await psactl('plan', 'build', '--dry-run');
    const actions = Object.fromEntries(
      json.templates.map((one: { template: string; action: string }) => [one.template, one.action]),
    );
    expect(actions).toMatchObject({ base: 'keep', redis: 'build', postgres: 'build' });
    const forced = await psactl('plan', 'build', 'base', '--force', '--dry-run');
    expect(forced.json.templates).toEqual([
      { template: 'base', version: expect.any(String), action: 'build', reason: 'forced' },
    ]);
  });

  it('keeps what is built from its definition', async () => {
    await mkdir(at('kept'));
    await putTemplate(at('kept'), 'base', 'base');
    await putTemplate(at('kept'), 'redis', 'redis');
    const { json, code } = await psactl('kept', 'build', 'redis');
    expect(code).toBe(0);
    expect(json.templates).toEqual([expect.objectContaining({ template: 'redis', cached: true })]);
  });

  it('knows the names', async () => {
    const { json, code } = await psactl('none', 'build', 'redos');
    expect(code).toBe(10);
    expect(json.error.why).toContain('redis');
  });
});

describe('psactl template verify', () => {
  it('names what is wrong, with exit code 1', async () => {
    await mkdir(at('wrong'));
    const { archive } = await putTemplate(at('wrong'), 'base', zstdCompressSync(Buffer.alloc(1024)));
    const { json, code } = await psactl('wrong', 'verify', 'base');
    expect(code).toBe(1);
    expect(json.templates[0].problems).toContain('/usr/local/sbin/psa-config is missing');
    await writeFile(join(at('wrong'), archive), 'other');
    const broken = (await psactl('wrong', 'verify')).json.templates[0].problems as string[];
    expect(broken[0]).toMatch(/it has 5 bytes, its manifest says/);
    expect(broken[1]).toMatch(/cannot be unpacked/);
  });

  it('asks for a build when there is nothing', async () => {
    const { json, code } = await psactl('none', 'verify');
    expect(code).toBe(10);
    expect(json.error.fix).toContain('psactl template build');
    expect((await psactl('none', 'verify', 'redis')).json.templates[0].problems).toEqual(['it is not built']);
  });
});
