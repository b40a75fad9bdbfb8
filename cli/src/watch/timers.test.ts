import { spawnSync } from 'node:child_process';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { renderTimers } from '@psa/appliance/render/timers';
import { dueNow, lastDue } from '@psa/recovery/due';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../registry.ts';
import type { KnownSite } from '../site/site.ts';
import { watchPolicyOf } from './watch-policy.ts';

const START = '2026-12-01T00:00:00Z';
const DAYS = 400;

/** The moments of a calendar event in those days, by systemd itself. */
function momentsOf(event: string): number[] {
  const args = ['calendar', `--base-time=2026-12-01 00:00:00 UTC`, `--iterations=${DAYS}`, event];
  const { stdout, error } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  if (error) throw error;
  return [...stdout.matchAll(/(?:Next elapse|Iter\. #\d+): \w+ (\S+) (\S+) UTC/g)].map(([, day, time]) =>
    Date.parse(`${day}T${time}Z`),
  );
}

describe('the timers of a site', () => {
  it('start what psactl has, with options that it takes', async () => {
    const lines = renderTimers(example()).flatMap(({ text }) =>
      [...text.matchAll(/(?:^ExecStart=\S*|[;&\d*] )psactl ([^;\n]+)/gm)].map(([, line]) => line!.trim()),
    );
    expect(lines.length).toBeGreaterThan(14);
    for (const line of lines) {
      const words = line.split(' ');
      const entry = COMMANDS.find(({ path }) => path.every((word, i) => words[i] === word));
      expect(entry, line).toBeDefined();
      const { options = [] } = await entry!.load();
      const known = [...options.map(({ flags }) => flags.split(' ')[0]), '--yes', '--site'];
      const given = words.filter((word) => word.startsWith('--'));
      expect(
        given.filter((word) => !known.includes(word)),
        line,
      ).toEqual([]);
      const { parse } = options.find(({ flags }) => flags.startsWith('--what ')) ?? {};
      const what = words[words.indexOf('--what') + 1];
      if (words.includes('--what')) expect(() => parse!(what!), line).not.toThrow();
    }
  });

  it.each([
    ['Europe/Berlin', ['daily 02:00', 'sun 02:00', 'first sun 02:00']],
    ['Europe/Berlin', ['daily 02:30', 'sun 03:30', 'first sun 23:30']],
    ['America/St_Johns', ['daily 00:01', 'sun 02:30', 'first sun 04:00']],
    ['UTC', ['sun 12:00']],
  ])('make every run that is due, of its own generation, and none twice: %s, %j', (zone, schedules) => {
    const inventory = example();
    const [tier] = inventory.backup.tiers;
    inventory.backup = {
      ...inventory.backup,
      zone,
      tiers: schedules.map((schedule, i) => ({ ...tier!, name: `t${i}`, schedule })),
    };
    const { text } = renderTimers(inventory).find(({ path }) => path.endsWith('psa-backup.timer'))!;
    const events = [...text.matchAll(/^OnCalendar=(.*)$/gm)].map(([, event]) => event!);
    const moments = [...new Set(events.flatMap(momentsOf))].toSorted((a, b) => a - b);
    const end = Date.parse(START) + DAYS * 86_400_000;
    const site = { inventory, containers: [], folder: { file: () => '' } } as never as KnownSite;
    const { tiers } = watchPolicyOf(site);
    // As psactl decides each time: a run that is made then counts from then on.
    const made: { run: string; series: string; at: string; of: string }[] = [];
    for (const moment of moments.filter((one) => one < end)) {
      const due = dueNow(made, ['database'], tiers, Temporal.Instant.fromEpochMilliseconds(moment), zone);
      const at = new Date(moment).toISOString();
      if (due) made.push({ run: at, series: 'database', at, of: `${due.tier.name} ${due.at}` });
    }
    const wanted = new Set<string>();
    for (let now = Date.parse(START); now < end; now += 1_800_000) {
      const due = lastDue(tiers, Temporal.Instant.fromEpochMilliseconds(now), zone)!;
      if (due.at.epochMilliseconds >= Date.parse(START)) wanted.add(`${due.tier.name} ${due.at}`);
    }
    // What was due before the first day is made up for with its first moment.
    const own = made.filter(({ of }) => Date.parse(of.split(' ')[1]!) >= Date.parse(START));
    expect(own.map(({ of }) => of)).toEqual([...wanted]);
    // Each in its hour, also in the night that has no two o'clock.
    for (const { at, of } of own)
      expect(Date.parse(at) - Date.parse(of.split(' ')[1]!), of).toBeLessThanOrEqual(3_600_000);
  });
});
