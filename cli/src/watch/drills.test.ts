import type { DrillRecord, DrillResult } from '@psa/recovery/drill';
import { describe, expect, it } from 'vitest';
import { drillsOf } from './drills.ts';

const result = (item: string, outcome: DrillResult['outcome']): DrillResult => ({
  ...{ id: `${item}-x`, series: item, item, name: item, backed_up_at: '2026-11-27T02:00:00Z', outcome },
  ...{
    why: outcome === 'failed' ? 'another sum' : null,
    restore_ms: 1,
    duration_ms: 2,
    compared: [],
    notes: [],
  },
});
const record = (what: string[], results: DrillResult[], more: Partial<DrillRecord> = {}): DrillRecord => ({
  ...{ drill: 1, id: 'x', site: 'psa/main', began: '2026-11-28T04:00:00Z', ended: '2026-11-28T05:00:00Z' },
  ...{ what, ids: [], steps: [], results, left_out: [], series: [] },
  targets: { database: 1, redis: 1, cluster: 1 },
  ...more,
});
const of = (one: DrillRecord, isRunning = false) =>
  drillsOf(one, isRunning).map(({ what, ok, why }) => [what, ok, why]);

describe('what a drill says', () => {
  it('is of each thing that it restored, and of what it could not try nothing', () => {
    const results = [
      ...[result('database', 'passed'), result('containers', 'passed'), result('containers', 'failed')],
      result('redis', 'untried'),
    ];
    expect(of(record(['database', 'containers', 'redis', 'configs'], results))).toEqual([
      ['database', true, null],
      ['containers', false, 'another sum'],
    ]);
  });

  it('is that it did not end, when nobody goes on with it', () => {
    const cut = record(['database', 'redis'], [result('database', 'passed')], { ended: null });
    expect(of(cut)).toEqual([
      ['database', null, null],
      ['redis', null, null],
    ]);
    expect(of(cut, true)).toEqual([]);
  });
});
