import { describe, expect, it } from 'vitest';
import { type BackupState, renderSiteStatus, type SiteStatus } from './site-status-text.ts';

const AT = '2026-11-30T12:00:00.000Z';
const backup = (at: string) => ({ id: 'x', at, bytes: 1, duration_ms: 1 });
const series = (name: string, good: string | null, proven: [at: string, proof: string] | null = null) => ({
  ...{ series: name, newest_good: good === null ? null : backup(good), newest_outside_at: null, count: 1 },
  ...{ newest_proven: proven && backup(proven[0]), last_proof_at: proven?.[1] ?? null },
});
const finding = (text: string) => ({
  ...{ kind: 'missing' as const, severity: 'critical' as const, series: 'redis', figure: null, text },
});
const lines = (backups: BackupState | null) =>
  renderSiteStatus({
    ...{ site: 'main', at: AT, healthy: true, quorate: true, nodes: [], services: [], parts: [] },
    ...{ containers: { wanted: 0, running: 0 }, postgres: [], certificate: null, last_backup: null },
    ...{ backups, last_deploy: null, unfinished: null, problems: [], follows: false },
  } satisfies SiteStatus)
    .split('\n')
    .filter((line) => /backup(s|:| critical| warning)|proven|encrypted/.test(line));

describe('the backups on the screen of a site', () => {
  it('are told with the age of the newest, of the newest that is proven, and with what is wrong', () => {
    const state: BackupState = {
      series: [
        series('database', '2026-11-30T02:00:00Z', ['2026-11-28T02:00:00Z', '2026-11-29T12:00:00Z']),
        series('configs', '2026-11-27T02:00:00Z'),
        series('redis', null),
      ],
      ...{ newest_proven_at: '2026-11-28T02:00:00Z', drills: [], findings: [finding('There is none.')] },
      key: { recipients: ['age1a'], here: 'absent', opened_at: null, file: '/root/backup.key' },
    };
    expect(lines(state)).toEqual([
      'backups: 2 of 3 parts good, 10 h to 3 d old',
      'newest proven backup: database, 2 d old, restored 24 h ago; 1 of 3 parts proven',
      'backup critical: There is none.',
      expect.stringMatching(/^What is encrypted opens with the key of age1a, which is not on this machine/),
    ]);
  });

  it('are none, unproven, many things wrong, or not to be looked at', () => {
    const findings = Array.from({ length: 7 }, (_, i) => finding(`${i}`));
    expect(
      lines({ series: [series('redis', null)], newest_proven_at: null, drills: [], findings, key: null }),
    ).toEqual([
      'backups: 0 of 1 part good',
      'newest proven backup: none; 1 part unproven',
      ...['0', '1', '2', '3', '4'].map((text) => `backup critical: ${text}`),
      'backup: 2 more: psactl backup metrics --json',
    ]);
    expect(lines(null)).toEqual(['backups: could not be looked at']);
  });
});
