import { example } from '@psa/appliance/inventory/example.test-helper';
import { siteOf } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { describe, expect, it } from 'vitest';
import { SiteFolder } from './folder.ts';
import { daysOf, generationOf, generationsOf, storesOf } from './generations.ts';
import type { KnownSite } from './site.ts';

const known = (
  change: (backup: Inventory['backup']) => Inventory['backup'] = (backup) => backup,
): KnownSite => {
  const inventory = { ...example(), backup: change(example().backup) };
  return {
    ...{ file: '/srv/appliance.yaml', inventory, site: siteOf(inventory), containers: [] },
    ...{ folder: new SiteFolder('/srv/.psactl/main'), path: (name) => name },
  };
};
const of = (at: string, tier = 'auto') => generationOf(known(), tier, new Date(at)).name;

describe('the generations of a site', () => {
  it('have the days of their schedules', () => {
    expect(
      ['daily 02:00', 'sun 02:00', 'first sun 02:00', 'wed 23:00', 'first fri 01:00'].map(daysOf),
    ).toEqual([...['every-day', 'sunday', 'first-sunday', 'wednesday', 'first-friday']]);
  });

  it('are chosen by the day of the zone', () => {
    expect(of('2026-11-30T02:00:00Z')).toBe('son');
    expect(of('2026-11-08T02:00:00Z')).toBe('father');
    expect(of('2026-11-01T02:00:00Z')).toBe('grandfather');
    // Saturday in UTC, Sunday in Berlin.
    expect(of('2026-11-07T23:30:00Z')).toBe('father');
    expect(of('2026-11-30T02:00:00Z', 'grandfather')).toBe('grandfather');
    expect(() => of('2026-11-30T02:00:00Z', 'uncle')).toThrow('Unable to find the generation "uncle"');
  });

  it('have their places: what goes to a remote is made where the one before it stands', () => {
    expect(generationsOf(known()).map(({ name, storage, remote }) => [name, storage, remote])).toEqual([
      ['son', 'local', null],
      ['father', 'nas', null],
      ['grandfather', 'nas', 'offsite:psa-backups'],
    ]);
    expect(storesOf(known())).toMatchObject([
      { folder: '/srv/.psactl/main/backups', policy: { zone: 'Europe/Berlin', tiers: [{}, {}, {}] } },
    ]);
  });

  it('stand in folders of their own, each with its part of the policy, or with one for all', () => {
    const apart = known((backup) => ({
      ...backup,
      tiers: backup.tiers.map((tier, at) => (at === 0 ? tier : { ...tier, folder: '/mnt/nas' })),
    }));
    expect(storesOf(apart).map(({ folder, generations }) => [folder, generations.length])).toEqual([
      ['/srv/.psactl/main/backups', 1],
      ['/mnt/nas', 2],
    ]);
    const one = known((backup) => ({ ...backup, zone: 'UTC', keep: { 'keep-daily': 3, 'keep-last': 0 } }));
    expect(storesOf(one)[0]!.policy).toEqual({ zone: 'UTC', 'keep-daily': 3 });
  });
});
