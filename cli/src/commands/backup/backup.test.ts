import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, rm, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedManifest, readManifest, writeManifest } from '@psa/recovery/manifest';
import { writeProof } from '@psa/recovery/proof';
import { fileOf as backupFile, idOf, putBackup } from '@psa/recovery/shelf.test-helper';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recoveryError } from '../../recovery-error.ts';
import { runCli } from '../../run-cli.test-helper.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('backup-cli');
  for (let day = 1; day <= 12; day++) await putBackup(dir.path, day);
});
afterEach(() => dir.remove());

const psactl = (...argv: string[]) => runCli(argv, { HOME: dir.path }, { cwd: dir.path });
const fileOf = (day: number) => backupFile(dir.path, idOf(day));
const left = async () => (await readdir(dir.path)).filter((name) => name.endsWith('.age')).sort();

describe('psactl backup', () => {
  it('lists, the newest first, as text and as JSON', async () => {
    const { code, stdout } = await psactl('backup', 'list', '--from', dir.path);
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^${idOf(12)} +2026-11-12 12:00 +6 B +good +no$`));
    const { data } = JSON.parse((await psactl('backup', 'list', '--from', dir.path, '--json')).stdout);
    expect(data).toHaveLength(12);
    expect(data[0]).toMatchObject({ id: idOf(12), state: 'good', proof: null, protected: false });
  });

  it('says how long ago each was restored, and which did not restore', async () => {
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const of = {
      proof: 1,
      sha256: 'x',
      by: '20261130T040000Z-3f9a2c',
      duration_ms: 5,
      compared: [],
    } as const;
    await writeProof(fileOf(12), { ...of, id: idOf(12), at: hoursAgo(5), result: 'passed', why: null });
    await writeProof(fileOf(11), { ...of, id: idOf(11), at: hoursAgo(75), result: 'failed', why: 'cut off' });
    const { stdout } = await psactl('backup', 'list', '--from', dir.path);
    expect(stdout.split('\n')[1]).toMatch(/good +5 h ago$/);
    expect(stdout.split('\n')[2]).toMatch(/good +FAILED 3 d ago$/);
    const { data } = JSON.parse((await psactl('backup', 'list', '--from', dir.path, '--json')).stdout);
    expect(data[0]).toMatchObject({ proof: { result: 'passed' }, failure: null });
    expect(data[1]).toMatchObject({ proof: null, failure: { why: 'cut off' } });
    // The last one that restored stays, though nine newer ones are there.
    await writeProof(fileOf(2), { ...of, id: idOf(2), at: hoursAgo(1), result: 'passed', why: null });
    await rm(`${fileOf(12)}.proof.json`);
    await psactl('backup', 'prune', '--from', dir.path, '--keep-last', '1', '--yes');
    expect(await left()).toEqual([`${idOf(2)}.tar.zst.age`, `${idOf(12)}.tar.zst.age`]);
  });

  it('prunes by the BDUF: seven days, the Sundays, the first Sunday; a dry run removes nothing', async () => {
    // 1 and 8 November 2026 are Sundays, the first of them the month's.
    const prune = ['backup', 'prune', '--from', dir.path, '--zone', 'UTC'];
    const { code, stdout } = await psactl(...prune, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^keep +${idOf(1)} +father, grandfather$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^remove +${idOf(2)} +not covered by the policy$`, 'm'));
    expect(await left()).toHaveLength(12);
    expect((await psactl(...prune)).stderr).toContain('Remove 4 backups?');
    expect(await left()).toHaveLength(12);
    expect((await psactl(...prune, '--yes')).stdout).toBe('4 backups removed, 8 kept.\n');
    expect(await left()).toEqual([1, 6, 7, 8, 9, 10, 11, 12].map((day) => `${idOf(day)}.tar.zst.age`));
  });

  it("prunes by Proxmox VE's options, and leaves what is protected", async () => {
    expect((await psactl('backup', 'protect', fileOf(3))).code).toBe(0);
    const prune = ['backup', 'prune', '--from', dir.path, '--keep-last', '2', '--yes', '--json'];
    const { data } = JSON.parse((await psactl(...prune)).stdout);
    expect(data.keep.map(({ id }: { id: string }) => id).sort()).toEqual([idOf(3), idOf(11), idOf(12)]);
    expect(await left()).toHaveLength(3);
    expect((await psactl('backup', 'protect', fileOf(3), '--off')).code).toBe(0);
    await psactl(...prune);
    expect(await left()).toHaveLength(2);
  });

  it.each([
    [['--keep-last', '0'], /keep-\* is nowhere above 0/],
    [['--keep-last', 'two'], /write a whole number from 0/],
    [['--keep-last', '1', '--policy', 'safe'], /two policies at once/],
    [['--zone', 'Berlin'], /zone is "Berlin"/],
    [['--policy', 'mine'], /Allowed choices are bduf, safe/],
    [['--from', ''], /name a folder/],
  ])('refuses %j and removes nothing', async (more, why) => {
    const { code, stderr } = await psactl('backup', 'prune', '--from', dir.path, '--yes', ...more);
    expect(code).toBe(2);
    expect(stderr).toMatch(why);
    expect(await left()).toHaveLength(12);
  });

  it.each(['.', `${idOf(1)}.tar.zst.age.json`])('does not protect what is no backup: %s', async (name) => {
    const before = await readdir(dir.path);
    const { code, stderr } = await psactl('backup', 'protect', join(dir.path, name));
    expect([code, stderr]).toEqual([2, expect.stringContaining('it is no backup by its name')]);
    expect(await readdir(dir.path)).toEqual(before);
  });

  it.each(['EROFS', 'EACCES'])('names what may not be touched: %s', (code) => {
    const thrown = Object.assign(new Error(`${code}: open`), { code, path: '/mnt/nas/a.protected' });
    expect(recoveryError(thrown)).toMatchObject({
      ...{ code: 'NO_ACCESS', why: thrown.message },
      message: expect.stringContaining('/mnt/nas/a.protected'),
    });
  });

  it('refuses a place for a backup that has no name', async () => {
    const { code, stderr } = await psactl('backup', 'run', '--target', 'embedded', '--out', '');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--out <folder>.*It is empty/);
  });

  it('says so where there is no folder, no file, no data and no key', async () => {
    expect((await psactl('backup', 'list', '--from', join(dir.path, 'none'))).code).toBe(10);
    expect((await psactl('backup', 'protect', join(dir.path, 'none'))).code).toBe(10);
    const run = await psactl('backup', 'run', '--target', 'embedded', '--out', dir.path);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('.psa: it is not there') });
    // Also where there is no key: with one it would not be there either.
    for (const words of [
      ['backup', 'verify'],
      ['restore', 'embedded'],
    ])
      expect(await psactl(...words, join(dir.path, 'none'))).toMatchObject({
        ...{ code: 1, stderr: expect.stringContaining('none: it is not there') },
      });
    expect(await psactl('backup', 'prune', '--from', join(dir.path, '..'), '--keep-last', '0')).toMatchObject(
      {
        code: 2,
      },
    );
    expect(await psactl('backup', 'verify', fileOf(1))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Unable to open a backup without its key'),
    });
  });

  it('says what shows, copies and proves an archive, in place of asking for the token of a cluster', async () => {
    const file = fileOf(12);
    const refused = async (fix: string, ...argv: string[]) => {
      const { code, stderr } = await psactl(...argv);
      expect(code, stderr).toBe(2);
      expect(stderr).toContain(`${file}: it is of the platform in one process, and not of a site.`);
      expect(stderr).toContain(fix);
    };
    await refused(`${file}.json`, 'backup', 'show', file);
    await refused(`cp ${file}* usb`, 'backup', 'copy', file, '--to', 'usb');
    await refused(`psactl backup verify ${file} --deep`, 'drill', 'run', '--from', file);
  });

  it.each([
    [['backup', 'list'], 'psactl backup list --from FOLDER'],
    [['backup', 'verify'], 'psactl backup verify FILE'],
    [['backup', 'prune'], 'psactl backup prune --from FOLDER'],
    [['backup', 'metrics'], 'psactl backup metrics --from FOLDER'],
    [['backup', 'run'], 'psactl backup run --target embedded --out FOLDER'],
    [['restore', 'ticket', '3'], 'psactl restore ticket NUMBER --from FILE'],
    [['restore', 'table', 'tickets.comments'], 'psactl restore table NAME --from FILE'],
    [['restore', 'file', 'a.pdf', '--ticket', '3'], 'psactl restore file NAME --ticket NUMBER --from FILE'],
  ])('%j names the way without a site where there is no inventory, or no token', async (argv, instead) => {
    const bare = await psactl(...argv);
    expect(bare.stderr).toContain('there is no file');
    expect(bare.stderr).toContain(`For the platform in one process ("npm start"): ${instead}`);
    await copyFile(new URL('../../../../appliance.yaml', import.meta.url), join(dir.path, 'appliance.yaml'));
    const { code, stderr } = await psactl(...argv);
    expect([code, stderr]).toEqual([12, expect.stringContaining('Unable to read the API token')]);
    expect(stderr).toContain(instead);
  });

  it('prune that is killed in the middle loses nothing that stays, and the next one ends it', async () => {
    for (let day = 1; day <= 28; day++)
      for (let hour = 0; hour < 8; hour++) {
        const at = `2026-10-${String(day).padStart(2, '0')}T0${hour}:00:00.000Z`;
        const id = `embedded-${at.slice(0, 19).replaceAll(/[-:]/g, '')}Z-${String(day * 100 + hour).padStart(6, '0')}`;
        await writeFile(backupFile(dir.path, id), 'sealed');
        const model = (await readManifest(fileOf(1))) as EmbeddedManifest;
        await writeManifest(backupFile(dir.path, id), { ...model, id, at });
      }
    const argv = ['backup', 'prune', '--from', dir.path];
    const plan = async () =>
      JSON.parse((await psactl(...argv, '--dry-run', '--json')).stdout).data as {
        keep: { id: string }[];
        remove: { id: string }[];
      };
    const { keep, remove } = await plan();
    expect(remove.length).toBeGreaterThan(200);
    const stays = keep.map(({ id }) => `${id}.tar.zst.age`).sort();
    let before = remove.length;
    for (const removed of [1, 7, 40]) {
      const program = new URL('../../../bin/psactl', import.meta.url).pathname;
      const child = spawn(program, [...argv, '--yes'], {
        stdio: 'ignore',
        env: { ...process.env, HOME: dir.path },
      });
      const ended = once(child, 'exit');
      const goal = before - removed;
      for await (const { eventType } of watch(dir.path, { signal: AbortSignal.timeout(60_000) }))
        if (eventType === 'rename' && (await left()).length - stays.length <= goal) break;
      child.kill('SIGKILL');
      await ended;
      const files = await left();
      before = files.length - stays.length;
      expect(before).toBeGreaterThan(0);
      expect(files.filter((name) => stays.includes(name))).toEqual(stays);
      // It decides the same again, with what is half gone among that which goes.
      const again = await plan();
      expect(again.keep.map(({ id }) => id).sort()).toEqual(keep.map(({ id }) => id).sort());
    }
    expect((await psactl(...argv, '--yes')).code).toBe(0);
    expect(await left()).toEqual(stays);
    expect((await readdir(dir.path)).filter((name) => name.startsWith('embedded-'))).toHaveLength(
      2 * stays.length,
    );
  });

  it('says what to do about each error of a folder, a file and a lock', async () => {
    expect((await psactl('backup', 'list', '--from', 'nowhere')).stderr).toMatch(/fix: Name the one that/);
    const held = Object.assign(new Error('Unable to use it: process 7 is using it.'), { name: 'LockHeld' });
    expect(recoveryError(held)).toMatchObject({
      outcome: 'locked',
      fix: expect.stringMatching(/^Wait until/),
    });
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    expect(recoveryError(full)).toMatchObject({
      code: 'DISK_FULL',
      fix: expect.stringMatching(/^Make room/),
    });
  });
});
