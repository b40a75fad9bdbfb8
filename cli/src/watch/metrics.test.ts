import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { metricsText } from '@psa/recovery/metrics-text';
import { fileOf, putBackup } from '@psa/recovery/shelf.test-helper';
import type { BackupSummary } from '@psa/recovery/summary';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../run-cli.test-helper.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('backup-metrics');
});
afterEach(() => dir.remove());

const metrics = (...argv: string[]) =>
  runCli(['backup', 'metrics', '--from', dir.path, ...argv], { HOME: dir.path }, { cwd: dir.path });
/** What Prometheus's own tool has to say of it. */
function promtool(text: string, ...args: string[]): string {
  const ran = spawnSync('promtool', args.length > 0 ? args : ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (ran.error) throw new Error(`Unable to run promtool (Debian package prometheus): ${ran.error.message}`);
  return ran.status === 0 ? '' : `${ran.stdout}${ran.stderr}`;
}
/** Values by name and labels, without the site. */
const values = (text: string) =>
  new Map(
    [...text.matchAll(/^psa_backup_(\w+)\{site="[^"]*",?(.*)\} (\S+)$/gm)].map(([, name, labels, value]) => [
      labels ? `${name} ${labels}` : name,
      Number(value),
    ]),
  );

describe('psactl backup metrics', () => {
  it('gives the figures of a folder as Prometheus takes them', async () => {
    for (const day of [1, 2, 3]) await putBackup(dir.path, day, { duration_ms: 1500 });
    const half = await putBackup(dir.path, 4);
    await rename(fileOf(dir.path, half), `${fileOf(dir.path, half)}.part`);
    const { code, stdout } = await metrics();
    expect(code).toBe(0);
    expect(promtool(stdout)).toBe('');
    const seen = values(stdout);
    expect(seen.get('newest_good_timestamp_seconds series="embedded"')).toBe(
      Date.parse('2026-11-03T12:00:00Z') / 1000,
    );
    expect(seen.get('newest_duration_seconds series="embedded"')).toBe(1.5);
    expect(seen.get('newest_bytes series="embedded"')).toBe(6);
    expect(seen.get('artefacts tier="",state="good"')).toBe(3);
    expect(seen.get('artefacts tier="",state="partial"')).toBe(1);
    expect(seen.get('findings kind="partial_run"')).toBe(1);
    expect(seen.get('findings kind="too_small"')).toBe(0);
    expect(seen.get('findings kind="missing"')).toBe(1);
    expect(seen.get(`free_bytes place="${dir.path}"`)).toBeGreaterThan(0);
    // Never restored: there is no moment, and a zero would be one.
    expect(stdout).not.toContain('last_proof_timestamp');
  });

  it('says of an empty folder that all is missing', async () => {
    const { code, stdout } = await metrics();
    expect(code).toBe(0);
    expect(promtool(stdout)).toBe('');
    expect(values(stdout).get('finding kind="missing",severity="critical",series="embedded"')).toBe(1);
    const { data } = JSON.parse((await metrics('--json')).stdout) as { data: BackupSummary };
    expect(data.findings).toMatchObject([{ kind: 'missing', series: 'embedded', figure: null }]);
  });

  it('is read by OpenMetrics too, whatever a name has in it', async () => {
    const odd = 'a "b" \\ c\nd';
    const summary: BackupSummary = {
      ...{ summary: 1, site: odd, at: '2026-11-30T12:00:00.000Z', drills: [], findings: [] },
      series: [
        {
          series: odd,
          newest_good: { id: 'x', at: '2026-11-30T02:00:00Z', bytes: 5, duration_ms: null },
          ...{ newest_proven: null, last_proof_at: null, newest_outside_at: null, count: 1 },
        },
      ],
      wal: { lastArchived: { wal: 'x', at: '2026-11-30T11:59:00Z' }, gap: false, lagBytes: 3 },
      standby: {
        ...{ asked_at: '2026-11-30T11:59:50Z', role: 'standby_leader', behind_bytes: 7 },
        replayed_at: '2026-11-30T11:59:30Z',
      },
    };
    const text = metricsText(summary, [], [{ place: odd, free_bytes: 1, size_bytes: 2 }]);
    expect(promtool(text)).toBe('');
    for (const name of ['behind_bytes', 'asked_timestamp_seconds', 'replayed_timestamp_seconds'])
      expect(text).toContain(`\npsa_backup_standby_${name}{`);
    // It fills a database from OpenMetrics alone, and asks for the moment of each value.
    const file = join(dir.path, 'figures.om');
    await writeFile(file, text.replace(/^(psa_.* \S+)$/gm, '$1 1796040000'));
    await mkdir(join(dir.path, 'tsdb'));
    expect(promtool('', 'tsdb', 'create-blocks-from', 'openmetrics', file, join(dir.path, 'tsdb'))).toBe('');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(text).not.toContain('\n\n');
  });

  it('writes a file in one step, which the exporter may read; one that cannot be written stays as it was', async () => {
    await putBackup(dir.path, 1);
    const out = join(dir.path, 'out');
    await mkdir(out);
    const file = join(out, 'psa_backup.prom');
    const ran = await metrics('--out', 'out/psa_backup.prom');
    expect([ran.code, ran.stdout]).toEqual([0, `${file}\n`]);
    const text = await readFile(file, 'utf8');
    expect(promtool(text)).toBe('');
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(await readdir(out)).toEqual(['psa_backup.prom']);
    // Its place is taken by a folder, for this test may run as root, who may write anywhere.
    await mkdir(join(out, 'taken.prom'));
    const bad = await metrics('--out', 'out/taken.prom');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/Unable to write .*taken\.prom[\s\S]*--out/);
    expect((await metrics('--out', 'nowhere/x.prom')).stderr).toContain('a folder that is there');
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await readdir(out)).toEqual(['psa_backup.prom', 'taken.prom']);
    await chmod(file, 0o600);
    // As its unit has it, whose other files are nobody else's.
    const umask = process.umask(0o077);
    await metrics('--out', file).finally(() => process.umask(umask));
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  it('says which folder is none', async () => {
    const { code, stderr } = await runCli(['backup', 'metrics', '--from', 'nowhere'], {}, { cwd: dir.path });
    expect(code).toBe(10);
    expect(stderr).toContain('it is no folder');
  });
});
