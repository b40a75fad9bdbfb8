import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { nothingLost } from './node-loss.drill.ts';
import { keep, primaryOf, type Rig, summary } from './rig.test-helper.ts';

/** As long as a switchover and a check of HAProxy take, on a machine that makes containers meanwhile. */
const WRITE_GAP_MS = 20_000;

/** The members of the database are exchanged for new ones while people work, as when their template has changed. */
export function renew(rig: () => Rig): void {
  it('renew: every member of the database is made anew, the primary last, and nothing is lost', async () => {
    const members = rig().containers.filter(({ group }) => group === 'postgres');
    const names = members.map(({ name }) => name);
    const cluster = await openCluster(rig());
    try {
      // They say that they are of an older template, as those of an appliance do whose inventory names a newer one.
      for (const { id, template } of members) {
        const { node } = (await cluster.guests()).find(({ vmid }) => vmid === id)!;
        const path = `/nodes/${node}/lxc/${id}/config`;
        const { description } = await cluster.client.request<{ description: string }>('GET', path);
        const older = description.replace(template, template.replace(/-[\d.]+$/, '-0.9.0'));
        expect(older).not.toBe(description);
        await cluster.client.request('PUT', path, { description: older });
      }
      const first = (await primaryOf(rig()))[0]!;
      // Not told, it leaves them as they are and says how.
      const left = await rig().json<{ steps: object[]; notes: string[] }>(0, 'plan');
      expect(left.steps).toEqual([]);
      for (const name of names) expect(left.notes.join('\n')).toContain(`--recreate ${name}`);

      const load = rig().load({ readers: 5, writers: 5, pauseMs: 200, seconds: 1_500 });
      const run = await rig().psactl('apply', '--recreate', names.join(','), '--yes');
      const report = await load.stop();
      keep('renew', summary(report));
      expect(run.code, run.stdout + run.stderr).toBe(0);
      expect(run.stderr).toContain(`${first} has handed the database's writes over`);
      const replaced = [...run.stderr.matchAll(/^done +replace:ct:\d+ +(\S+)/gm)].map(([, name]) => name);
      expect(replaced.at(-1)).toBe(first);
      expect(new Set(replaced)).toEqual(new Set(names));
      expect(report.writes.longestGapMs, JSON.stringify(summary(report))).toBeLessThanOrEqual(WRITE_GAP_MS);
      await nothingLost(rig(), report);
      await rig().healthy(120_000);
      expect((await rig().json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
    } finally {
      await cluster.close();
    }
  });
}
