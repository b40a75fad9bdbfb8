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

/** Where the standby reaches port 8433 of the primary's edge. */
const FEED = WAY.port + 2;
/** So long people write before the site is lost: more than may be lost of it. */
const WRITING_S = 90;

interface Status {
  readonly data: {
    readonly standby: {
      readonly role: string;
      readonly lag_seconds: number;
      readonly behind_bytes: number;
    } | null;
    readonly predicted: { readonly rto_minutes: number; readonly rpo_minutes: number };
    readonly problems: readonly string[];
  };
}
interface Steps {
  readonly data: { readonly steps: readonly { readonly id: string; readonly ms: number }[] };
}

/** The whole appliance is lost while people write, and what has followed all the time takes over; and back again. */
export function drWarm(rig: () => Rig): void {
  it('dr-warm: the site is lost under load, the one that follows takes over within three minutes, less than a minute is lost', async () => {
    const { dir, lab, labName } = rig();
    const file = join(dir, 'appliance.yaml');
    const before = readFileSync(file, 'utf8');
    const people = peopleOf(rig());
    const { missing } = people;
    const write = (name: string, seconds: number) =>
      people.load(name, { pauseMs: 300, readers: 1, writers: 1, seconds });
    // 3: the drill has no place outside for copies, which it says.
    const status = async () => (await rig().json<Status>(3, 'dr', 'status')).data;
    const ends: (() => void)[] = [];
    try {
      await labDown(STANDBY.dir);
      await labUp(STANDBY);
      weigh(STANDBY.name);
      const other = join(STANDBY.dir, 'appliance.yaml');
      const ways = ({ flows }: Parameters<typeof openDmz>[0]) => {
        (flows.at(-1) as { ports: number[] }).ports.push(WAY.port + 1);
        const flow = (from: string, to: string, port: number, why: string) =>
          flows.push({ from, to, protocol: 'tcp', ports: [port], why });
        flow('internet', 'edge', 8433, 'the repository for the other site');
        flow('haproxy', 'ops', 8433, 'the repository for the other site');
        flow('ops', 'internet', FEED, "the other site's repository");
        flow('ops', 'postgres', 8008, 'how far the standby is');
      };
      const [site] = edit(other, openDmz).sites;
      const way = `https://${WAY.address}:${WAY.port}`;
      edit(file, (whole) => {
        openDmz(whole);
        ways(whole);
        whole.sites.push({
          ...site!,
          name: 'dr',
          ...{ members: Object.fromEntries(ONE.map((name) => [name, 1])) },
        });
        whole.dr = {
          ...{ primary: 'lab', standby: 'dr', kind: 'warm', feed: `${WAY.address}:${FEED}` },
          // On each side the same address leads to the other one.
          edges: { primary: way, standby: `https://${WAY.address}:${WAY.port + 1}` },
          contacts: [{ name: 'Ada Lang', role: 'on call', mail: 'ada@example.com' }],
        };
      });
      // The network of each lab is that of its own file.
      edit(other, ways);
      ends.push(
        leadBetween(
          [
            { port: WAY.port, portal: Number(new URL(rig().portal).port), seenFrom: STANDBY.name },
            { port: WAY.port + 1, portal: STANDBY.portalPort, seenFrom: labName },
          ],
          [{ port: FEED, from: STANDBY.name, to: labName, at: '203.0.113.1:8433' }],
        ),
      );
      await rig().json(0, 'apply', '--yes');
      await rig().json(0, 'backup', 'run', '--tier', 'father', '--only', 'pitr,database,secrets,releases');
      const followed = await rig().json<Steps>(0, 'dr', 'follow', '--yes');
      const quiet = await status();
      expect(quiet.standby).toMatchObject({ role: 'standby_leader' });
      expect(serves(STANDBY.name)).toBe(false);

      // People write; in the middle of it the power goes.
      const load = write(labName, WRITING_S);
      await sleep((WRITING_S - 8) * 1_000);
      const ready = await status();
      expect(ready.standby!.lag_seconds).toBeLessThan(60);
      const lostAt = Date.now();
      for (const { name } of rig().site.nodes) await lab.killNode(name);
      const { acknowledged } = await load.done;
      const over = await rig().json<Moved>(0, 'dr', 'failover', '--scenario', 'cluster-lost', '--yes');
      const { rto_ms, rpo_ms, steps } = over.data;
      expect(rto_ms).toBeLessThan(3 * 60_000);
      const lost = await missing(STANDBY.name, acknowledged);
      // The newest, and no more than a minute of them: the log has no holes.
      expect(lost.toSorted()).toEqual(acknowledged.slice(acknowledged.length - lost.length).toSorted());
      const perSecond = acknowledged.length / (WRITING_S - 8);
      const lost_s = lost.length / perSecond;
      const measured = {
        rto_ms,
        rpo_ms,
        lost: lost.length,
        lost_s,
        acknowledged: acknowledged.length,
        steps,
        ready,
      };
      // Should the way back fail, this is known.
      keep('dr-warm', measured);
      expect(lost_s).toBeLessThan(60);
      expect(rpo_ms).toBeLessThan(60_000 + (Date.now() - lostAt));
      const there = (await write(STANDBY.name, 8).done).acknowledged;
      expect(there.length).toBeGreaterThan(5);

      // Its power comes back: it serves nobody, and back goes what was written meanwhile.
      await powerBack(rig());
      expect(serves(labName)).toBe(false);
      const kept = acknowledged.filter((id) => !lost.includes(id));
      const back = await rig().json<Moved>(0, 'dr', 'failback', '--yes');
      await rig().healthy(180_000);
      expect(await missing(labName, [...kept, ...there])).toEqual([]);
      expect(serves(STANDBY.name)).toBe(false);
      // And it follows again, made anew.
      const again = await rig().json<Steps>(0, 'dr', 'follow', '--yes');
      const { standby } = await status();
      expect(standby).toMatchObject({ role: 'standby_leader', behind_bytes: 0 });
      expect(serves(STANDBY.name)).toBe(false);
      keep('dr-warm', {
        ...measured,
        ...{ there: there.length, quiet, followed: followed.data.steps, again: again.data.steps },
        back: { standing_ms: back.data.standing_ms, total_ms: back.data.total_ms, steps: back.data.steps },
      });
    } finally {
      for (const end of ends) end();
      await asBefore(rig(), file, before);
    }
  }, 3_600_000);
}
