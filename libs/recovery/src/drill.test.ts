import { describe, expect, it } from 'vitest';
import {
  chooseDrills,
  type DrillRecord,
  type DrillResult,
  isolationTrouble,
  measuredRto,
  outcomeOf,
  parseDrillMarker,
  printDrillMarker,
} from './drill.ts';

const result = (
  item: string,
  outcome: DrillResult['outcome'],
  restore_ms: number | null = 60_000,
): DrillResult => ({
  ...{ id: `${item}-1`, series: item, item, name: item, backed_up_at: '2026-11-30T02:00:00Z', outcome },
  ...{ why: null, restore_ms, duration_ms: 90_000, compared: [], notes: [] },
});
const record = (
  results: readonly DrillResult[],
  ended: string | null = '2026-11-30T05:00:00Z',
): DrillRecord => ({
  ...{ drill: 1, id: '20261130T040000Z-3f9a2c', site: 'psa/main', began: '2026-11-30T04:00:00Z', ended },
  ...{ what: ['database'], ids: [], steps: [], results, left_out: [], series: [] },
  targets: { database: 2, redis: 1, cluster: 3 },
});

describe('a drill', () => {
  it('passed when all of it did; one that has no end was cut short, or runs', () => {
    const good = result('database', 'passed');
    expect(outcomeOf(record([good]))).toBe('passed');
    expect(outcomeOf(record([good, result('redis', 'untried')]))).toBe('partial');
    expect(outcomeOf(record([]))).toBe('partial');
    expect(outcomeOf(record([good, result('redis', 'failed'), result('x', 'untried')]))).toBe('failed');
    expect(outcomeOf(record([good], null))).toBe('cut short');
    expect(outcomeOf(record([good], null), true)).toBe('running');
    // What it had found before it was killed stands.
    expect(outcomeOf(record([result('redis', 'failed')], null))).toBe('failed');
  });

  it('measures against what the inventory promises, and only what was restored', () => {
    const measured = measuredRto(
      record([
        result('database', 'passed', 130_000),
        result('redis', 'failed', 5_000),
        result('containers', 'passed', 40_000),
        result('containers', 'passed', 9_000),
      ]),
    );
    expect(measured).toEqual([
      { target: 'database', target_minutes: 2, measured_ms: 130_000, met: false },
      { target: 'redis', target_minutes: 1, measured_ms: null, met: null },
      { target: 'cluster', target_minutes: 3, measured_ms: 179_000, met: true },
    ]);
  });

  it('takes of each group the one whose turn it is, so that all have theirs', () => {
    const of = (series: string, group: string, proven_at: string | null = null) => ({
      ...{ id: `${series}-1`, series, group, at: '2026-11-30T02:00:00Z', proven_at },
    });
    const list = [
      of('container-300', 'postgres', '2026-11-20T00:00:00Z'),
      of('container-301', 'postgres', '2026-11-10T00:00:00Z'),
      of('container-302', 'postgres', '2026-11-15T00:00:00Z'),
      of('container-321', 'redis'),
      of('container-320', 'redis'),
      of('database', 'database', '2026-11-29T00:00:00Z'),
    ];
    expect(chooseDrills(list, false).map(({ series }) => series)).toEqual([
      ...['container-301', 'container-320', 'database'],
    ]);
    expect(chooseDrills(list, true)).toEqual(list);
    // As many drills as the group has members, and each was restored.
    let known = list.filter(({ group }) => group === 'postgres');
    const seen = new Set<string>();
    for (let week = 1; week <= 3; week++) {
      const [chosen] = chooseDrills(known, false);
      seen.add(chosen!.series);
      known = known.map((one) =>
        one === chosen ? { ...one, proven_at: `2026-12-0${week}T00:00:00Z` } : one,
      );
    }
    expect(seen.size).toBe(3);
  });
});

describe('what a drill makes', () => {
  const marker = { drill: '20261130T040000Z-3f9a2c', appliance: 'psa', site: 'main', id: 900 };
  const alone = {
    cards: [{ key: 'net0', tag: 50, linkDown: true }],
    onboot: false,
    description: printDrillMarker(marker),
  };

  it('is known by its mark, and by no other text', () => {
    expect(parseDrillMarker(`A note.\r\n${printDrillMarker(marker)}\r\n`)).toEqual(marker);
    expect(
      parseDrillMarker('psactl: appliance=psa site=main container=x id=900 group=g template=t'),
    ).toBeNull();
    expect(parseDrillMarker('')).toBeNull();
  });

  it('is started only when nobody can hear it', () => {
    const trouble = (more: Partial<typeof alone>) =>
      isolationTrouble({ ...alone, ...more }, { vlan: 50, id: 900 });
    expect(trouble({})).toBeNull();
    expect(trouble({ cards: [] })).toBeNull();
    const plugged = [...alone.cards, { key: 'net1', tag: 50, linkDown: false }];
    expect(trouble({ cards: plugged })).toBe('the cable of net1 is not out (link_down)');
    expect(trouble({ cards: [{ key: 'net0', tag: 30, linkDown: true }] })).toBe(
      'net0 is in VLAN 30, and drills are in 50',
    );
    expect(trouble({ onboot: true })).toBe('it would be started with its node');
    expect(trouble({ description: 'Restored beside by psactl.' })).toBe(
      'it does not have the mark of a drill',
    );
    // A copy of a drill's container is somebody else's.
    expect(trouble({ description: printDrillMarker({ ...marker, id: 901 }) })).toBe(
      'it does not have the mark of a drill',
    );
  });
});
