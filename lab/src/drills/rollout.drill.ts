import { expect, it } from 'vitest';
import { buildRelease, keep, RELEASES, type Rig, summary } from './rig.test-helper.ts';

/** Connections through HAProxy while a release goes round. */
const LOAD = { readers: 40, writers: 10, pauseMs: 1_000, readTimeoutMs: 15_000, writeTimeoutMs: 15_000 };

/** Deploys under load. */
export function rollout(rig: () => Rig): void {
  it('brings a release round under load without a failed request', async () => {
    await buildRelease(RELEASES.next);
    const load = rig().load({ ...LOAD, seconds: 600 });
    const run = await rig().psactl('deploy', '--release', RELEASES.next, '--yes', '--json');
    const report = await load.stop();
    keep('deploy', { ...summary(report), curve: report.curve });
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(report.reads.requests + report.writes.requests).toBeGreaterThan(500);
    expect(summary(report)).toMatchObject({ reads: { failed: 0 }, writes: { failed: 0 } });
    expect(await runningReleases(rig())).toEqual([RELEASES.next]);
  });

  it('takes a release whose health check fails back by itself, without a failed request', async () => {
    await buildRelease(RELEASES.broken, '--break', 'health');
    const load = rig().load({ ...LOAD, seconds: 600 });
    const run = await rig().psactl(
      'deploy',
      '--release',
      RELEASES.broken,
      '--ready-seconds',
      '15',
      '--yes',
      '--json',
    );
    const report = await load.stop();
    keep('deploy-broken', { ...summary(report), curve: report.curve });
    expect(run.code, run.stdout + run.stderr).toBe(1);
    const result = JSON.parse(run.stdout) as { reason?: string; error?: { why?: string } };
    expect(JSON.stringify(result)).toMatch(/ready/i);
    expect(summary(report)).toMatchObject({ reads: { failed: 0 }, writes: { failed: 0 } });
    expect(await runningReleases(rig())).toEqual([RELEASES.next]);
    await rig().healthy(60_000);
  });
}

/** The releases that services run. */
export async function runningReleases(rig: Rig): Promise<readonly string[]> {
  const names = rig.inventory.services.map(({ name }) => name as string);
  const replicas = rig.containers.filter((one) => names.includes(one.group));
  const versions = await Promise.all(
    replicas.map(async ({ name }) => {
      const answer = await rig.inside(name, 'curl -s -m 5 http://127.0.0.1:3000/health');
      return (JSON.parse(answer) as { version: string }).version;
    }),
  );
  return [...new Set(versions)];
}
