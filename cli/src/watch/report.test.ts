import { BACKUP_FINDINGS, BackupReport } from '@psa/contracts/backups';
import { FINDING_KINDS } from '@psa/recovery/health';
import type { BackupSummary } from '@psa/recovery/summary';
import Value from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { reportOf } from './report.ts';

describe('what the platform is told of backups', () => {
  it('has a name for whatever psactl can find', () => expect(BACKUP_FINDINGS).toEqual(FINDING_KINDS));

  it('is what its API takes, however much there is to say', () => {
    const backup = { id: 'x', at: '2026-11-30T02:00:00.000Z', bytes: 5, duration_ms: null };
    const summary: BackupSummary = {
      ...{ summary: 1, site: 'psa/main', at: '2026-11-30T12:00:00.000Z', wal: null, standby: null },
      series: Array.from({ length: 2_000 }, (_, i) => ({
        ...{ series: `container-${i}`, newest_good: backup, newest_proven: null, count: 3 },
        ...{ last_proof_at: null, newest_outside_at: '2026-11-30T02:00:00.000Z' },
      })),
      drills: [{ what: 'database', at: '2026-11-28T04:00:00.000Z', ok: false, why: 'x\0'.repeat(9_000) }],
      findings: [
        { kind: 'wal_lag', severity: 'critical', series: 'wal', figure: null, text: 'x'.repeat(9_000) },
      ],
    };
    const report = reportOf(summary);
    expect([...Value.Errors(BackupReport, report)]).toEqual([]);
    expect(report.series).toHaveLength(1_000);
    expect(report.series[0]!.newest_good).toEqual({ id: 'x', at: backup.at, bytes: 5 });
    // The longest that is taken is less than what a request may have.
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(2 ** 20);
  });
});
