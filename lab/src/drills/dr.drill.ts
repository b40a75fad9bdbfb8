import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { labDown, labUp } from '../control.ts';
import { weigh } from '../weigh.ts';
import { keep, type Rig } from './rig.test-helper.ts';
import {
  asBefore,
  edit,
  leadBetween,
  type Moved,
  ONE,
  openDmz,
  peopleOf,
  powerBack,
  STANDBY,
  serves,
  WAY,
} from './two-sites.test-helper.ts';

/** The whole appliance is lost and goes on at another site, which takes writes; then it goes back, with all of them. */
export function dr(rig: () => Rig): void {
  it('dr: the site is lost, the other one goes on, the old one takes no writes, and back nothing is lost', async () => {
    const { dir, lab, labName } = rig();
    const file = join(dir, 'appliance.yaml');
    const before = readFileSync(file, 'utf8');
    const { load, missing } = peopleOf(rig());
    const write = async (name: string, seconds: number) =>
      (await load(name, { pauseMs: 200, readers: 2, writers: 3, seconds }).done).acknowledged;
    const ends: (() => void)[] = [];
    try {
      await labDown(STANDBY.dir);
      await labUp(STANDBY);
      weigh(STANDBY.name);
      const other = join(STANDBY.dir, 'appliance.yaml');
      const [site] = edit(other, openDmz).sites;
      const way = `https://${WAY.address}:${WAY.port}`;
      const ours = new URL(rig().portal);
      edit(file, (whole) => {
        openDmz(whole);
        const members = Object.fromEntries(ONE.map((name) => [name, 1]));
        whole.sites.push({ ...site!, name: 'dr', ...{ members } });
        // On each side the same address leads to the other one.
        whole.dr = {
          ...{ primary: 'lab', standby: 'dr', kind: 'cold' },
          edges: { primary: way, standby: `https://${WAY.address}:${WAY.port + 1}` },
          contacts: [{ name: 'Ada Lang', role: 'on call', mail: 'ada@example.com' }],
        };
        (whole.flows.at(-1) as { ports: number[] }).ports.push(WAY.port + 1);
      });
      edit(other, ({ flows }) => (flows.at(-1) as { ports: number[] }).ports.push(WAY.port + 1));
      ends.push(
        leadBetween([
          { port: WAY.port, portal: Number(ours.port), seenFrom: STANDBY.name },
          { port: WAY.port + 1, portal: STANDBY.portalPort, seenFrom: labName },
        ]),
      );
      await rig().json(0, 'apply', '--yes');

      const saved = await write(labName, 8);
      await rig().json(0, 'backup', 'run', '--tier', 'father', '--only', 'database,redis,secrets,releases');
      const savedAt = Date.now();
      const late = await write(labName, 3);
      const lostAt = Date.now();
      for (const { name } of rig().site.nodes) await lab.killNode(name);
      const over = await rig().json<Moved>(0, 'dr', 'failover', '--scenario', 'cluster-lost', '--yes');
      const { rto_ms, rpo_ms, steps } = over.data;
      expect(rto_ms).toBeLessThan(15 * 60_000);
      expect(await missing(STANDBY.name, saved)).toEqual([]);
      // Written after the copy, and no more than these, is lost: as long before the failover as it says.
      expect((await missing(STANDBY.name, late)).toSorted()).toEqual(late.toSorted());
      expect(lostAt - savedAt).toBeLessThanOrEqual(rpo_ms);
      const there = await write(STANDBY.name, 8);
      expect(there.length).toBeGreaterThan(10);

      // The power comes back: its database runs, and its edge takes nothing.
      await powerBack(rig());
      const answered: number[] = [];
      for (let turn = 0; turn < 20; turn++) {
        if (serves(labName)) answered.push(turn);
        await sleep(1_000);
      }
      expect(answered).toEqual([]);
      const said = await rig().inside('psa-haproxy-1', 'journalctl -u haproxy -n 40 -o cat --no-pager');
      expect(said).toContain('The site dr serves since failover');
      expect((await rig().psactl('apply', '--yes')).stderr).toContain('failed over');

      const back = await rig().json<Moved>(0, 'dr', 'failback', '--yes');
      await rig().healthy(180_000);
      expect(await missing(labName, [...saved, ...there])).toEqual([]);
      expect(serves(STANDBY.name)).toBe(false);
      keep('dr', {
        ...{ rto_ms, rpo_ms, steps, saved: saved.length, late: late.length, there: there.length },
        back: { standing_ms: back.data.standing_ms, total_ms: back.data.total_ms, steps: back.data.steps },
      });
    } finally {
      for (const end of ends) end();
      await asBefore(rig(), file, before);
    }
  }, 3_600_000);
}
