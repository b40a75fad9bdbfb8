import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configArchive, scratchRoot, TEMPLATES, type Wanted } from './scripts.test-helper.ts';

const SCRIPT = join(TEMPLATES, 'base/files/usr/local/sbin/psa-config');
const OWNER = execFileSync('sh', ['-c', 'echo "$(id -un):$(id -gn)"'], { encoding: 'utf8' }).trim();

const UNIT = '/etc/systemd/system/a.service';
const FIRST: Wanted = {
  files: {
    [UNIT]: '[Service]\n',
    '/etc/a.conf': 'a 1\n',
    '/etc/deep/er/b.conf': { text: 'b 1\n', mode: '600' },
    '/etc/shared.conf': 'shared\n',
  },
  units: [
    ['b.service', 'reload', '/etc/deep/er/b.conf', '/etc/shared.conf'],
    ['a.service', 'restart', '/etc/a.conf', '/etc/shared.conf'],
  ],
};
const without = (wanted: Wanted, ...paths: string[]): Wanted => ({
  ...wanted,
  files: Object.fromEntries(Object.entries(wanted.files).filter(([path]) => !paths.includes(path))),
});
const having = (wanted: Wanted, files: Wanted['files']): Wanted => ({
  ...wanted,
  files: { ...wanted.files, ...files },
});

let root: Awaited<ReturnType<typeof scratchRoot>>;
beforeEach(async () => {
  root = await scratchRoot(SCRIPT);
});
afterEach(() => root.remove());

const apply = async (wanted: Wanted, env: Record<string, string> = {}) => {
  const { tar, digest } = await configArchive(wanted, OWNER);
  return { ...(await root.run(['apply'], tar, env)), digest };
};
const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const check = async () => lines((await root.run(['check'])).stdout);
const calm = ['unit b.service active', 'unit a.service active'];

describe('psa-config apply', () => {
  it('installs files with mode and owner, enables and starts units in their order', async () => {
    const ran = await apply(FIRST);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(lines(ran.stdout)).toEqual([
      `installed ${UNIT}`,
      'installed /etc/a.conf',
      'installed /etc/deep/er/b.conf',
      'installed /etc/shared.conf',
      'started b.service',
      'started a.service',
    ]);
    expect(await root.calls()).toEqual([
      'daemon-reload',
      'enable b.service',
      'enable a.service',
      'restart b.service',
      'restart a.service',
    ]);
    expect(await readFile(root.path('/etc/deep/er/b.conf'), 'utf8')).toBe('b 1\n');
    expect((await stat(root.path('/etc/deep/er/b.conf'))).mode & 0o777).toBe(0o600);
    expect(await check()).toEqual([`digest ${ran.digest}`, ...calm]);
  });

  it('does nothing the second time', async () => {
    const { digest } = await apply(FIRST);
    await root.calls();
    expect(await apply(FIRST)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await root.calls()).toEqual([]);
    expect(await check()).toContain(`digest ${digest}`);
  });

  it.each([
    ['one that is restarted', { '/etc/a.conf': 'a 2\n' }, ['restart a.service'], 'restarted a.service'],
    [
      'one that is reloaded',
      { '/etc/deep/er/b.conf': 'b 2\n' },
      ['reload-or-restart b.service'],
      'reloaded b.service',
    ],
    [
      'several',
      { '/etc/shared.conf': 'new\n' },
      ['reload-or-restart b.service', 'restart a.service'],
      'restarted a.service',
    ],
    [
      'the one whose own file it is',
      { [UNIT]: '[Service]\nNice=1\n' },
      ['daemon-reload', 'restart a.service'],
      'restarted a.service',
    ],
    [
      'one that is else reloaded, by its drop-in',
      { '/etc/systemd/system/b.service.d/psa.conf': '[Service]\nNice=1\n', '/etc/deep/er/b.conf': 'b 2\n' },
      ['daemon-reload', 'restart b.service'],
      'restarted b.service',
    ],
    [
      'none but systemd itself',
      { '/etc/systemd/system/c.service': '[Service]\n' },
      ['daemon-reload'],
      'installed /etc/systemd/system/c.service',
    ],
  ])('a changed file reaches the units that read it: %s', async (_, files, calls, said) => {
    await apply(FIRST);
    await root.calls();
    const ran = await apply(having(FIRST, files));
    expect(await root.calls()).toEqual(calls);
    expect(lines(ran.stdout).at(-1)).toBe(said);
  });

  it('a changed mode counts, and what was changed by hand is put right', async () => {
    const { digest } = await apply(FIRST);
    await chmod(root.path('/etc/a.conf'), 0o666);
    await writeFile(root.path('/etc/shared.conf'), 'by hand\n');
    await rm(root.path(UNIT));
    await rm(root.standIn('active', 'b.service'));
    expect(await check()).toEqual([
      `digest ${digest}`,
      `missing ${UNIT}`,
      'changed /etc/a.conf',
      'changed /etc/shared.conf',
      'unit b.service inactive',
      'unit a.service active',
    ]);
    const ran = await apply(FIRST);
    expect(lines(ran.stdout)).toEqual([
      `installed ${UNIT}`,
      'installed /etc/a.conf',
      'installed /etc/shared.conf',
      'started b.service',
      'restarted a.service',
    ]);
    expect(await check()).toEqual([`digest ${digest}`, ...calm]);
  });

  it('a link in place of a file is replaced, and what it points to is left alone', async () => {
    await mkdir(root.path('/etc'), { recursive: true });
    await writeFile(root.path('/etc/other'), 'a 1\n');
    await symlink('other', root.path('/etc/a.conf'));
    await apply(having(FIRST, { '/etc/a.conf': 'a 2\n' }));
    expect(await readFile(root.path('/etc/a.conf'), 'utf8')).toBe('a 2\n');
    expect(await readFile(root.path('/etc/other'), 'utf8')).toBe('a 1\n');
  });

  it('removes files that are no longer wanted, restarts their unit, and stops units that are not', async () => {
    await apply(FIRST);
    await root.calls();
    const ran = await apply({
      ...without(FIRST, '/etc/a.conf', '/etc/deep/er/b.conf'),
      units: [FIRST.units[1]!],
    });
    expect(ran.code).toBe(0);
    expect(lines(ran.stdout)).toEqual([
      'removed /etc/a.conf',
      'removed /etc/deep/er/b.conf',
      'stopped b.service',
      'restarted a.service',
    ]);
    expect(existsSync(root.path('/etc/a.conf'))).toBe(false);
    expect(await check()).toEqual([`digest ${ran.digest}`, 'unit a.service active']);
  });

  it('a unit that does not start: its last lines, exit code 1, and the next run tries again', async () => {
    await writeFile(root.standIn('broken', 'b.service'), '');
    const ran = await apply(FIRST);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('Unable to start b.service');
    expect(ran.stderr).toContain('last line of the journal');
    expect(await check()).toEqual(['digest none']);
    await rm(root.standIn('broken', 'b.service'));
    const again = await apply(FIRST);
    expect(lines(again.stdout)).toEqual(['started b.service', 'started a.service']);
    expect(await check()).toEqual([`digest ${again.digest}`, ...calm]);
  });

  it('a restart that fails is still owed', async () => {
    await apply(FIRST);
    await writeFile(root.standIn('broken', 'a.service'), '');
    const second = having(FIRST, { '/etc/a.conf': 'a 2\n' });
    expect((await apply(second)).code).toBe(1);
    await rm(root.standIn('broken', 'a.service'));
    // As if systemd had brought it up again by itself, with who knows which file.
    await writeFile(root.standIn('active', 'a.service'), '');
    expect(lines((await apply(second)).stdout)).toEqual(['restarted a.service']);
  });

  it.each([
    ['a path out of the root', { files: { '/etc/../a': 'x' }, units: [] }, /no such parts/],
    ['a relative path', { files: { 'etc/a': 'x' }, units: [] }, /begin with/],
    [
      'an unknown user',
      { files: { '/etc/a': { text: 'x', owner: 'nobody-here:root' } }, units: [] },
      /no user nobody-here/,
    ],
    ['a mode that is none', { files: { '/etc/a': { text: 'x', mode: '999' } }, units: [] }, /no mode/],
    ['an action that is none', { files: {}, units: [['a.service', 'kick']] }, /neither restart nor reload/],
  ] as [string, Wanted, RegExp][])('refuses %s, and touches nothing', async (_, bad, why) => {
    const { digest } = await apply(FIRST);
    await root.calls();
    const ran = await apply({ files: { '/etc/a.conf': 'new\n', ...bad.files }, units: bad.units });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(why);
    expect(await root.calls()).toEqual([]);
    expect(await check()).toEqual([`digest ${digest}`, ...calm]);
  });

  it('refuses an archive that is cut off, and one whose file is not that of the manifest', async () => {
    const { tar } = await configArchive(FIRST, OWNER);
    expect((await root.run(['apply'], tar.subarray(0, 2048))).code).not.toBe(0);
    const other = Buffer.from(tar.toString('latin1').replace('a 1\n', 'a 9\n'), 'latin1');
    const ran = await root.run(['apply'], other);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('its checksum is not that of the manifest');
    expect(existsSync(root.path('/etc/a.conf'))).toBe(false);
  });

  it('leaves nothing of its own behind but its state', async () => {
    await apply(FIRST);
    await apply(having(FIRST, { '/etc/a.conf': 'a 2\n' }));
    expect(readdirSync(root.path('/etc')).sort()).toEqual([
      'a.conf',
      'deep',
      'psa',
      'shared.conf',
      'systemd',
    ]);
    expect(readdirSync(root.path('/var/lib/psa-config')).sort()).toEqual(['lock', 'owed', 'paths', 'units']);
    expect(readdirSync(root.path('/var/lib/psa-config/owed'))).toEqual([]);
  });
});

describe('psa-config apply, killed and run again', () => {
  const second: Wanted = {
    files: {
      '/etc/a.conf': 'a 2\n',
      '/etc/c.conf': 'c 1\n',
      '/etc/shared.conf': 'shared\n',
    },
    units: [
      ['c.service', 'restart', '/etc/c.conf'],
      ['a.service', 'restart', '/etc/a.conf', '/etc/shared.conf'],
    ],
  };
  const points = ['read', 'owed', 'installed', 'removed', 'unit', 'remembered'];

  it.each(points)('at the point "%s": everything is done, and the restart with it', async (point) => {
    const { digest: before } = await apply(FIRST);
    await root.calls();
    const killed = await apply(second, { PSA_CONFIG_KILL: point });
    expect(killed.code).toBe('SIGKILL');
    // Until all is done nobody takes it for done.
    expect((await check())[0]).toBe(point === 'read' ? `digest ${before}` : 'digest none');
    const ran = await apply(second);
    expect(ran.code).toBe(0);
    expect(await check()).toEqual([`digest ${ran.digest}`, 'unit c.service active', 'unit a.service active']);
    const calls = await root.calls();
    expect(calls).toContain('restart a.service');
    expect(calls).toContain('daemon-reload');
    for (const gone of [UNIT, '/etc/deep/er/b.conf']) expect(existsSync(root.path(gone))).toBe(false);
    expect(existsSync(root.standIn('active', 'b.service'))).toBe(false);
    expect(readdirSync(root.path('/var/lib/psa-config')).sort()).toEqual(['lock', 'owed', 'paths', 'units']);
  });

  it.each(points.slice(1))(
    'at "%s", and then something else is wanted: nothing is left of it',
    async (point) => {
      await apply(FIRST);
      await apply(second, { PSA_CONFIG_KILL: point });
      const ran = await apply(FIRST);
      expect(ran.code).toBe(0);
      expect(existsSync(root.path('/etc/c.conf'))).toBe(false);
      expect(existsSync(root.standIn('active', 'c.service'))).toBe(false);
      expect(await check()).toEqual([`digest ${ran.digest}`, ...calm]);
    },
  );
});
