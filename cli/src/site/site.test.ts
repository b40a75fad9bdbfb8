import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { SiteFolder } from './folder.ts';
import { openSite, readSite } from './site.ts';

const example = await readFile(new URL('../../../appliance.yaml', import.meta.url), 'utf8');
let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('site');
});
afterAll(() => dir.remove());

/** A folder of its own with these files; the context of a command line in it. */
async function context(name: string, files: Record<string, string>, options: Record<string, string> = {}) {
  const cwd = join(dir.path, name);
  await mkdir(join(cwd, 'lab'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(cwd, file), text);
  const io = { env: { HOME: cwd, PSA_LAB_DIR: join(cwd, 'lab') }, cwd } as never as Parameters<
    typeof readSite
  >[0]['io'];
  return { options, io };
}

const refused = async (promise: Promise<unknown>): Promise<CliError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CliError);
  return error as CliError;
};

describe('a site', () => {
  it('is the first of the inventory beside which psactl runs', async () => {
    const known = await readSite(await context('first', { 'appliance.yaml': example }));
    expect(known.site.name).toBe('main');
    expect(known.containers.map(({ id }) => id)).toContain(300);
    expect(known.folder.path).toBe(join(dir.path, 'first/.psactl/main'));
    expect(known.path('~/x')).toBe(join(dir.path, 'first/x'));
    expect(known.path('dist/releases')).toBe(join(dir.path, 'first/dist/releases'));
  });

  it('called lab is that of the lab, unless the inventory here has one', async () => {
    const lab = example.replace('name: main', 'name: lab');
    const files = { 'appliance.yaml': example, 'lab/appliance.yaml': lab };
    const found = await readSite(await context('lab', files, { site: 'lab' }));
    expect(found.file).toBe(join(dir.path, 'lab/lab/appliance.yaml'));
    const own = await readSite(await context('own', { ...files, 'appliance.yaml': lab }, { site: 'lab' }));
    expect(own.file).toBe(join(dir.path, 'own/appliance.yaml'));
    expect(
      (await refused(readSite(await context('none', { 'appliance.yaml': example }, { site: 'lab' })))).fix,
    ).toMatch(/lab up/);
  });

  it('with a mistake in its inventory says file, line and field', async () => {
    const wrong = example.replace('memory_mb: 8192', 'memory_mb: lots');
    const error = await refused(readSite(await context('wrong', { 'appliance.yaml': wrong })));
    const line = wrong.split('\n').findIndex((text) => text.includes('lots')) + 1;
    expect(error.outcome).toBe('usage');
    expect(error.details).toMatchObject([
      {
        field: expect.stringMatching(new RegExp(`^appliance\\.yaml:${line}:`)),
        message: expect.stringMatching(/^containers\[\d+\]\.memory_mb: /),
      },
    ]);
  });

  it('without inventory or token says how to get them, and shows no secret', async () => {
    expect((await refused(readSite(await context('empty', {})))).outcome).toBe('not_found');
    const inventory = example.replace('~/.config/psactl/main.token', './token');
    const bare = await refused(openSite(await context('bare', { 'appliance.yaml': inventory })));
    expect(bare).toMatchObject({
      outcome: 'not_authorised',
      fix: expect.stringMatching(/user@realm!name=secret/),
    });
    const odd = await refused(
      openSite(await context('odd', { 'appliance.yaml': inventory, token: 'hush-hush' })),
    );
    expect(JSON.stringify([odd.message, odd.why, odd.fix])).not.toContain('hush');
    const fine = await openSite(
      await context('fine', { 'appliance.yaml': inventory, token: 'psactl@pve!psactl=abc-def\n' }),
    );
    await fine.close();
  });
});

describe('the folder of a site', () => {
  it('keeps secrets for its owner alone, whole or not at all', async () => {
    const folder = new SiteFolder(join(dir.path, 'secrets'));
    expect(await folder.secrets()).toEqual({});
    await folder.writeSecrets({ a: '1' });
    await folder.writeSecrets({ a: '1', b: '2' });
    expect(await folder.secrets()).toEqual({ a: '1', b: '2' });
    expect((await stat(folder.file('secrets.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    await writeFile(folder.file('secrets.json'), '{"a":');
    expect((await refused(folder.secrets())).fix).toMatch(/last good copy/);
  });

  it('lets one psactl at a time work on it, and names the one that does', async () => {
    const folder = new SiteFolder(join(dir.path, 'locked'));
    let end = () => {};
    const first = folder.locked('psactl apply', () => new Promise<void>((done) => (end = done)));
    await expect
      .poll(() => readFile(folder.file('lock.holder'), 'utf8').catch(() => ''))
      .toMatch(/psactl apply/);
    const error = await refused(folder.locked('psactl apply', async () => {}));
    expect(error.outcome).toBe('locked');
    expect(error.why).toContain(`psactl apply (process ${process.pid} of `);
    end();
    await first;
    expect(await folder.locked('psactl apply', async () => 'free')).toBe('free');
  });

  it('takes the lock of a psactl that was killed', async () => {
    const folder = new SiteFolder(join(dir.path, 'killed'));
    const script = `
      const { SiteFolder } = await import(${JSON.stringify(new URL('./folder.ts', import.meta.url).href)});
      await new SiteFolder(${JSON.stringify(folder.path)}).locked('psactl apply', () => process.kill(process.pid, 'SIGKILL'));
    `;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(await run.catch((error: { signal: string }) => error.signal)).toBe('SIGKILL');
    expect(await folder.locked('psactl apply', async () => 'free')).toBe('free');
  });
});
