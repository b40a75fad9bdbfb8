import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { siteOf } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import { backupCalendars } from './calendars.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { run, written } from './run.test-helper.ts';
import { IN_OPS, renderTimers } from './timers.ts';

const SYSTEMD = { debian: 'systemd' };
const program = new URL('../../../../cli/bin/psactl', import.meta.url).pathname;

const withBackup = (more: Partial<Inventory['backup']>): Inventory => {
  const inventory = example();
  return { ...inventory, backup: { ...inventory.backup, ...more } };
};
const tier = (schedule: string, more: object = {}) => ({
  ...{ name: schedule.split(' ').slice(0, -1).join('-'), schedule, keep: 1, storage: 'local', ...more },
});
const textOf = (inventory: Inventory, path: string) =>
  renderTimers(inventory).find((one) => one.path === path)?.text ?? '';

/** systemd's own judgement of all units together. */
function judged(inventory: Inventory): string {
  expect(existsSync(program)).toBe(true);
  const units = renderTimers(inventory, siteOf(inventory), { ...IN_OPS, program })
    .filter(({ path }) => path.startsWith('systemd/'))
    .map(({ path, text }) => ({ path: path.slice('systemd/'.length), text }));
  const cwd = written(units);
  const files = units.map(({ path }) => `${cwd}/${path}`);
  const ran = run('systemd-analyze', ['verify', '--man=no', ...files], {
    ...SYSTEMD,
    env: { SYSTEMD_UNIT_PATH: `${cwd}:` },
  });
  // Of ours alone: this machine's own units may have their faults.
  const ours = ran.output.split('\n').filter((line) => line.includes('psa-') || line.includes(cwd));
  return ours.join('\n') + (ran.code === 0 ? '' : `ended with ${ran.code}`);
}
const calendarOf = (event: string) => run('systemd-analyze', ['calendar', event], SYSTEMD);

describe('what runs by the clock', () => {
  it('follows from the example inventory', async () => {
    await expectGoldens('backup/timers', renderTimers(example()));
  });

  it('is what systemd takes, in units and in calendar events', () => {
    expect(judged(example())).toBe('');
    const odd = withBackup({ redis_minutes: 7, tiers: [tier('sun 23:30'), tier('first mon 02:30')] });
    expect(judged(odd)).toBe('');
    // And what it does not take is seen here.
    const broken = { ...odd, timezone: 'Europe/Nowhere' };
    expect(judged(broken)).toContain('Nowhere');
    for (const inventory of [example(), odd])
      for (const { text } of renderTimers(inventory))
        for (const [, event] of text.matchAll(/^OnCalendar=(.*)$/gm)) {
          const { code, output } = calendarOf(event!);
          expect(code, output).toBe(0);
          expect(output).toContain('Next elapse');
        }
  });

  it.each([
    [['daily 02:00'], ['*-*-* 02:00:00', '*-*-* 03:00:00']],
    [
      ['daily 02:00', 'sun 02:00', 'first sun 02:00'],
      ['*-*-* 02:00:00', '*-*-* 03:00:00'],
    ],
    [
      ['daily 02:00', 'sun 04:30', 'first sun 05:00'],
      [
        'Mon,Tue,Wed,Thu,Fri,Sat *-*-* 02:00:00',
        'Sun *-*-08..31 04:30:00',
        'Sun *-*-01..07 05:00:00',
        ...['*-*-* 03:00:00', '*-*-* 05:30:00', '*-*-* 06:00:00'],
      ],
    ],
    [['first sun 23:30'], ['Sun *-*-01..07 23:30:00', '*-*-* 00:30:00']],
  ])('gives each day the rarest generation’s time: %j', (schedules, events) => {
    expect(backupCalendars(schedules)).toEqual(events);
  });

  it('copies outside where there is an outside, and says so in the crontab as well', () => {
    expect(textOf(example(), 'systemd/psa-prune.service')).toContain('OnSuccess=psa-offsite.service');
    const home = withBackup({ tiers: [tier('daily 02:00')] });
    expect(textOf(home, 'systemd/psa-prune.service')).not.toContain('OnSuccess');
    expect(renderTimers(home).map(({ path }) => path)).not.toContain('systemd/psa-offsite.service');
    expect(textOf(home, 'crontab')).not.toContain('offsite');
    expect(textOf(example(), 'crontab')).toMatch(
      /^0 2 \* \* \* psactl backup run --due .*; psactl backup prune .*; psactl offsite send /m,
    );
  });

  it('saves Redis as often as it is promised', () => {
    const timer = (minutes: number) =>
      textOf(withBackup({ redis_minutes: minutes }), 'systemd/psa-redis.timer');
    expect(timer(15)).toContain('OnCalendar=*-*-* *:00/15:00 Europe/Berlin');
    expect(timer(120)).toContain('OnCalendar=*-*-* 00/2:00:00 Europe/Berlin');
    expect(timer(7)).toContain('OnUnitActiveSec=7min');
    expect(timer(7)).not.toContain('Persistent');
    expect(textOf(withBackup({ redis_minutes: 90 }), 'crontab')).toContain(
      '0 */1 * * * psactl backup run --only redis',
    );
    const weekly = withBackup({ tiers: [tier('sun 02:00')] });
    expect(textOf(weekly, 'systemd/psa-redis.service')).toContain('--only redis --tier sun --yes');
  });

  it('drills the database as far as it is taken', () => {
    const drill = (items?: Inventory['backup']['items']) =>
      textOf(withBackup({ items }), 'systemd/psa-drill-database.service');
    expect(drill()).toContain('drill run --what database,pitr --yes');
    expect(drill(['redis', 'pitr'])).toContain('drill run --what pitr --yes');
    expect(drill(['redis'])).toBe('');
  });

  it('reads the clock of the backups, where they have one of their own', () => {
    expect(textOf(withBackup({ zone: 'America/St_Johns' }), 'systemd/psa-backup.timer')).toContain(
      'OnCalendar=*-*-* 02:00:00 America/St_Johns\n',
    );
  });
});
