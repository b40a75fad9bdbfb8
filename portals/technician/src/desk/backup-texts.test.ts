import { BACKUP_FINDINGS } from '@psa/contracts/backups';
import { createFormats } from '@psa/ui/i18n/format';
import { translate } from '@psa/ui/i18n/i18n';
import { describe, expect, it } from 'vitest';
import { backupMessages } from '../i18n/backup-messages.ts';
import { findingText, newestProven, seriesName, staleMs } from './backup-texts.ts';

const of = (language: 'de' | 'en') =>
  ((key: string, values?: Record<string, string | number>) =>
    translate(backupMessages, language, key, values)) as Parameters<typeof seriesName>[1];

describe('what administrators read of backups', () => {
  it('has words for every finding, in both languages, with its figure where it has one', () => {
    for (const language of ['de', 'en'] as const) {
      const formats = createFormats(language);
      for (const kind of BACKUP_FINDINGS)
        for (const figure of [null, 7_200]) {
          const one = { kind, figure, severity: 'warning' as const, series: 'database', text: '' };
          const text = findingText(one, of(language), formats);
          expect(text, kind).toMatch(/^[^{}]{10,}\.$/);
        }
    }
    const late = { kind: 'missing' as const, figure: 97_200, severity: 'critical' as const, text: '' };
    expect(findingText({ ...late, series: 'container-300' }, of('de'), createFormats('de'))).toBe(
      'Container 300: Die neueste gute Sicherung ist 1 Tag 3 Std. alt, eine neuere ist überfällig.',
    );
    expect(
      findingText(
        { ...late, kind: 'too_small', series: 'redis', figure: 2048 },
        of('en'),
        createFormats('en'),
      ),
    ).toBe('Redis: the newest backup is unusually small (2\u00a0KiB).');
  });

  it('names a run by its own name, and the newest that is proven of all', () => {
    expect(seriesName('20261130T010000Z-3f9a2c', of('de'))).toBe('20261130T010000Z-3f9a2c');
    expect(seriesName('embedded-7578432109876543210', of('de'))).toBe('Ganze Plattform …3210');
    const row = (series: string, at: string | null) => ({
      ...{ series, newest_good: null, last_proof_at: null, newest_outside_at: null },
      newest_proven: at === null ? null : { id: 'x', at, bytes: 1 },
    });
    const rows = [
      row('redis', null),
      row('database', '2026-11-28T01:00:00Z'),
      row('configs', '2026-11-29T01:00:00Z'),
    ];
    expect(newestProven(rows)).toEqual({ series: 'configs', at: '2026-11-29T01:00:00Z' });
    expect(newestProven([])).toBeNull();
  });

  it('says that it is old after an hour', () => {
    const now = Date.parse('2026-11-30T12:00:00Z');
    expect(staleMs('2026-11-30T11:00:00Z', now)).toBeNull();
    expect(staleMs('2026-11-30T10:59:59Z', now)).toBe(3_601_000);
  });
});
