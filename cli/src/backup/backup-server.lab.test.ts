import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BackupSummary } from '@psa/recovery/summary';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';
import type { RunResult } from './run-backup.ts';
import type { Verification } from './verify-backup.ts';

/** A generation on a Proxmox Backup Server, as the lab plays one, and another one outside that takes what is there. */
interface Listed {
  readonly id: string;
  readonly run: string;
  readonly state: string;
  readonly proof: object | null;
}
let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab({ small: true, backupServers: ['vault', 'outside'] });
  await lab.edit((text) => {
    const whole = parse(text) as { backup: { tiers: object[]; groups?: string[] } };
    whole.backup.tiers = [
      { name: 'son', schedule: 'daily 02:00', keep: 1, storage: 'vault', synced: 'outside' },
    ];
    whole.backup.groups = ['monitoring'];
    return stringify(whole);
  });
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const json = <T>(code: number, ...argv: string[]) => lab.json<T>(code, ...argv);
const monitoring = () => lab.site.containers.find(({ group }) => group === 'monitoring')!;
const run = async () =>
  (await json<{ data: RunResult }>(0, 'backup', 'run', '--tier', 'son', '--only', 'containers')).data;
const verify = async (code: number, ...more: string[]) =>
  (await json<{ data: Verification[] }>(code, 'backup', 'verify', ...more)).data;
const list = async () => (await json<{ data: Listed[] }>(0, 'backup', 'list')).data;

/** The files in which the lab has what is on its servers, by the moment that they are of. */
async function archives(): Promise<string[]> {
  const all = await readdir(lab.dir, { recursive: true, withFileTypes: true });
  return all
    .filter(({ name, parentPath }) => /^vzdump-lxc-.*zst$/.test(name) && parentPath.includes('/vault/'))
    .map(({ name, parentPath }) => join(parentPath, name))
    .toSorted();
}
/** What the server's own job finds. */
const found = async (state: 'ok' | 'failed') => writeFile(`${(await archives()).at(-1)}.verification`, state);

describe('backups of containers on a Proxmox Backup Server', { timeout: 900_000 }, () => {
  it('are listed by the server, and whole when its own job says so', async () => {
    const { complete, parts } = await run();
    expect([complete, parts.map(({ why }) => why)]).toEqual([true, [null]]);
    const [one] = await list();
    expect(one).toMatchObject({ state: 'good' });
    const shown = await json<{ data: { volume: { volid: string }; verified_at: null; sha256: null } }>(
      ...([0, 'backup', 'show', one!.id] as const),
    );
    expect(JSON.stringify(shown)).toMatch(/vault:backup\/ct\/\d+\/\d{4}-\d\d-\d\dT[\d:]+Z/);
    expect(await verify(0, one!.id)).toMatchObject([{ ok: true, read: 'listed' }]);
    expect(await verify(1, one!.id, '--deep')).toMatchObject([
      { ok: false, why: expect.stringContaining('has not verified it yet') },
    ]);
    await found('ok');
    expect(await verify(0, one!.id, '--deep')).toMatchObject([{ ok: true, read: 'server' }]);
    await found('failed');
    expect(await verify(1, one!.id)).toMatchObject([
      { ok: false, why: expect.stringContaining('the backup server found it damaged') },
    ]);
    await found('ok');
    await verify(0, one!.id);
  });

  it('are copied by the sync job alone, which is looked at', async () => {
    const outside = async () => {
      const { data } = await json<{ data: BackupSummary }>(0, 'backup', 'metrics');
      return data.series.find(({ series }) => series === `container-${monitoring().id}`)!.newest_outside_at;
    };
    const [one] = await list();
    const refused = await lab.psactl('backup', 'copy', one!.id, '--to', join(lab.dir, 'usb'));
    expect([refused.code, refused.stderr + refused.stdout]).toEqual([
      expect.any(Number),
      expect.stringContaining('copies by a sync job of its own'),
    ]);
    expect(refused.code).not.toBe(0);
    expect(await outside()).toBeNull();
    const [archive] = await archives();
    const there = dirname(archive!).replace('/vault/', '/outside/');
    await mkdir(there, { recursive: true });
    await copyFile(archive!, join(there, basename(archive!)));
    expect(await outside()).not.toBeNull();
  });

  it('are restored by their name, in place and in a drill', async () => {
    const [one] = await list();
    const name = monitoring().name;
    const restore = ['restore', 'container', name, '--from', one!.id, '--yes'];
    const { data } = await json<{ data: { safety: string | null } }>(0, ...restore);
    expect(data.safety).not.toBeNull();
    await json(0, 'drill', 'run', '--what', 'containers', '--from', one!.run, '--yes');
    expect((await list()).find(({ id }) => id === one!.id)!.proof).not.toBeNull();
  });

  it('go and stay as the policy says, by the API alone', async () => {
    const [protectedOne] = (await list()).toReversed();
    await json(0, 'backup', 'protect', protectedOne!.id);
    await run();
    await run();
    await json(0, 'backup', 'prune', '--yes');
    const left = await list();
    expect(left.find(({ id }) => id === protectedOne!.id)).toMatchObject({ state: 'good' });
    const onServer = await archives();
    expect(left.filter(({ state }) => state === 'good')).toHaveLength(onServer.length);
    expect(left.length).toBeLessThan(4);
  });
});
