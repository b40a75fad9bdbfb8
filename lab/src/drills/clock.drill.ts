import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IN_OPS } from '@psa/appliance/render/timers';
import { expect, it } from 'vitest';
import { keep, type Rig } from './rig.test-helper.ts';

const OPS = 'psa-ops-1';
/** Between the command and the time of the timer: the units are there, and wait. */
const AHEAD_MS = 150_000;
const RUN_MS = 25 * 60_000;

interface Listed {
  readonly data: readonly {
    readonly id: string;
    readonly at: string;
    readonly tier: string | null;
    readonly state: string;
    readonly run: string | null;
  }[];
}

/** What systemd says of a unit in the container. */
async function unit(rig: Rig, name: string): Promise<Record<string, string>> {
  const wanted = 'ActiveState,Result,ExecMainStartTimestamp,TriggeredBy';
  // Moments as seconds since 1970.
  const text = await rig.inside(OPS, `systemctl show --timestamp=unix -p ${wanted} ${name}`);
  return Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]));
}

const secondsOf = (stamp: string | undefined) => Number(/^@(\d+)/.exec(stamp ?? '')?.[1] ?? 0);

/** Looks again and again. Nobody answers in a container that stands still for its own backup. */
async function until<T>(what: string, withinMs: number, look: () => Promise<T | null>): Promise<T> {
  for (const end = Date.now() + withinMs; ; await sleep(2_000)) {
    let why = 'it is not';
    const found = await look().catch((error: Error) => {
      why = error.message;
      return null;
    });
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`Not so after ${withinMs / 1_000} s: ${what}: ${why}`);
  }
}

/** Nobody starts anything: the clock of the ops container does. */
export function clock(rig: () => Rig): void {
  it('clock: a timer of the ops container fires, and the backup of the day is made by it, the container itself in it', async () => {
    const file = join(rig().dir, 'appliance.yaml');
    const before = readFileSync(file, 'utf8');
    const zone = rig().inventory.timezone;
    const psactl = async <T>(line: string) =>
      JSON.parse(
        await rig().inside(
          OPS,
          `PSA_INVENTORY=${IN_OPS.inventory} HOME=${IN_OPS.home} ${IN_OPS.program} ${line} --site lab --json`,
        ),
      ) as T;
    const began = Math.floor(Date.now() / 1_000);
    try {
      const time = Temporal.Now.zonedDateTimeISO(zone)
        .add({ milliseconds: AHEAD_MS })
        .toPlainTime()
        .toString()
        .slice(0, 5);
      // In its hour, and not an hour before it by the timer's second look.
      writeFileSync(file, before.replace(/(schedule: (?:daily|sun|first sun)) 02:00/g, `$1 ${time}`));
      const { data } = await rig().json<{ data: { timers: string[] } }>(0, 'backup', 'schedule', '--yes');
      expect(data.timers).toContain('psa-backup.timer');
      // The nodes are asked at their own addresses: those of the machine that the lab runs on lead nowhere there.
      expect(await rig().inside(OPS, `cat ${IN_OPS.inventory}`)).not.toContain('127.');

      const fired = await until('psa-backup.timer has fired', AHEAD_MS + 180_000, async () => {
        const at = secondsOf((await unit(rig(), 'psa-backup.service')).ExecMainStartTimestamp);
        return at > began ? at : null;
      });
      const service = await until('psa-backup.service has ended', RUN_MS, async () => {
        const now = await unit(rig(), 'psa-backup.service');
        return ['inactive', 'failed'].includes(now.ActiveState!) ? now : null;
      });
      const said = await rig().inside(OPS, 'journalctl -u psa-backup -o cat --no-pager');
      expect(service.Result, said).toBe('success');
      expect(service.TriggeredBy).toBe('psa-backup.timer');

      // The catalogue there has one run, whole, and this container is in it although psactl ran in it.
      const { data: made } = await psactl<Listed>('backup list');
      const runs = new Set(made.filter(({ id }) => !id.startsWith('redis-')).map(({ run }) => run));
      expect(runs.size, JSON.stringify(made)).toBe(1);
      const ours = made.filter(({ run }) => run !== null && runs.has(run));
      expect(ours.map(({ state }) => state).filter((state) => state !== 'good')).toEqual([]);
      const series = ours.map(({ id }) => id);
      for (const one of ['database', 'pitr', 'redis', 'rabbitmq', 'configs', 'releases', 'secrets'])
        expect(
          series.filter((id) => id.startsWith(`${one}-`)),
          one,
        ).toHaveLength(1);
      const containers = rig().containers.map(({ id }) => `container-${id}`);
      expect(containers.filter((one) => !series.some((id) => id.startsWith(`${one}-`)))).toEqual([]);
      expect(Date.parse(ours[0]!.at) / 1_000).toBeGreaterThanOrEqual(fired);

      // What follows by itself, and what nothing is left to do for.
      const pruned = await until('psa-prune.service has ended', 120_000, async () => {
        const now = await unit(rig(), 'psa-prune.service');
        return now.ActiveState === 'inactive' && secondsOf(now.ExecMainStartTimestamp) > 0 ? now : null;
      });
      expect(pruned.Result).toBe('success');
      const again = await rig().inside(
        OPS,
        'systemctl start psa-backup; journalctl -u psa-backup -n 5 -o cat',
      );
      expect(again).toContain('is due');

      // Prometheus has the figures, by way of the exporter there.
      await rig().inside(OPS, 'systemctl start psa-metrics');
      const figure = `psa_backup_newest_good_timestamp_seconds{site="psa/lab",series="database"}`;
      const query = `curl -sfG http://127.0.0.1:9090/api/v1/query --data-urlencode 'query=${figure}'`;
      const seen = await until('Prometheus has the figure', 120_000, async () => {
        const answer = JSON.parse(await rig().inside('psa-monitoring-1', query)) as {
          data: { result: { value: [number, string]; metric: { container?: string } }[] };
        };
        return answer.data.result[0] ?? null;
      });
      expect(Number(seen.value[1])).toBeGreaterThanOrEqual(fired);
      const duration = secondsOf((await unit(rig(), 'psa-prune.service')).ExecMainStartTimestamp) - fired;
      keep('clock', { fired, seconds: duration, artefacts: ours.length, containers: containers.length });
      await rig().healthy(120_000);
    } finally {
      writeFileSync(file, before);
      // Their times as before: else the next plan has something to do.
      await rig().json(0, 'backup', 'schedule', '--yes');
    }
  });
}
