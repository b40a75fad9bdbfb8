import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupSummary } from '@psa/recovery/summary';
import { freePort } from '@psa/test-kit/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import type { SiteStatus } from '../status/site-status-text.ts';

let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab({ small: true });
  await lab.edit((text) => text.replace(/^( +)interruption: .*$/m, '$&\n$1groups: [monitoring]'));
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const folder = () => lab.site.folder.file('backups');
async function watch(): Promise<BackupSummary & { text: string; unasked: string[] }> {
  const ran = await lab.psactl('backup', 'metrics', '--json');
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return JSON.parse(ran.stdout).data;
}
const kinds = ({ findings }: BackupSummary) => findings.map(({ kind, series }) => `${kind} ${series}`);

describe('what is watched on a site', { timeout: 900_000 }, () => {
  it('is that everything is missing before the first run, and nothing after it', async () => {
    const before = await watch();
    const monitoring = lab.site.containers.find(({ group }) => group === 'monitoring')!;
    const series = [
      ...['configs', `container-${monitoring.id}`, 'database', 'pitr', 'rabbitmq', 'redis'],
      ...['releases', 'secrets'],
    ];
    expect(kinds(before).toSorted()).toEqual(series.map((one) => `missing ${one}`));
    const run = ['backup', 'run', '--due', '--yes', '--json'];
    const first = await lab.psactl(...run);
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout).data).toMatchObject({ complete: true });
    const second = await lab.psactl(...run);
    expect([second.code, JSON.parse(second.stdout).data]).toEqual([0, { due: false, site: 'psa/lab' }]);
    const after = await watch();
    expect(kinds(after)).toEqual([]);
    expect(after.series.map((one) => one.series)).toEqual(series);
    expect(after.series.every(({ newest_good }) => newest_good !== null)).toBe(true);
    expect(after.text).toMatch(/psa_backup_free_bytes\{site="psa\/lab",place="nas"\} [1-9]/);
    expect(after.text).toMatch(/psa_backup_free_bytes\{site="psa\/lab",place="local of pve1"\} [1-9]/);
  });

  it('is a save of Redis every few minutes, also while a run is at work, and no run by that', async () => {
    const what = { name: BACKUP_LOCK, what: 'a run of hours', signal: AbortSignal.timeout(60_000) };
    await withClusterLock(lab.site, what, async () => {
      expect((await lab.psactl('backup', 'run', '--only', 'redis')).code).toBe(0);
      expect((await lab.psactl('backup', 'run', '--only', 'rabbitmq')).code).toBe(11);
    });
    expect((await watch()).series.find(({ series }) => series === 'redis')!.count).toBe(2);
    expect((await lab.psactl('backup', 'run', '--due', '--only', 'redis')).stderr).toContain(
      'Leave out --due',
    );
  });

  it('is the archive that somebody has removed from its storage, and the dump that was cut off', async () => {
    const { series } = await watch();
    const idOf = (name: string) => series.find((one) => one.series.startsWith(name))!.newest_good!.id;
    const file = (await readdir(folder())).find((name) => name === `${idOf('database')}.sql.zst`)!;
    await rm(join(folder(), file));
    const seen = await watch();
    expect(kinds(seen).toSorted()).toEqual(['damaged database', 'missing database']);
    expect(seen.findings.find(({ kind }) => kind === 'damaged')!.text).toContain('is gone');
  });

  it('stands in the status, which is no failure for it', async () => {
    const ran = await lab.psactl('status', '--site', 'lab', '--json');
    const { backups, healthy } = JSON.parse(ran.stdout) as SiteStatus;
    expect([ran.code, healthy]).toEqual([0, true]);
    expect(backups!.newest_proven_at).toBeNull();
    expect(backups!.findings.map(({ kind }) => kind).toSorted()).toEqual(['damaged', 'missing']);
    const { stdout } = await lab.psactl('status', '--site', 'lab');
    expect(stdout).toMatch(/^backups: 7 of 8 parts good, /m);
    expect(stdout).toMatch(/^newest proven backup: none; 8 parts unproven$/m);
    expect(stdout).toMatch(/^backup critical: There is no good backup of database\.$/m);
  });

  it('is a failure, and no new figure, when the cluster cannot be asked', async () => {
    const file = join(folder(), 'psa_backup.prom');
    expect((await lab.psactl('backup', 'metrics', '--out', file)).code).toBe(0);
    const text = await readFile(file, 'utf8');
    const port = await freePort();
    await lab.edit((inventory) => inventory.replaceAll(/(api: "?https:.*?:)\d+/g, `$1${port}`));
    const ran = await lab.psactl('backup', 'metrics', '--out', file);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/Unable to/);
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});
