import { foldText, withoutUmlautSpelling } from '@psa/domain/text';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linePath, shares, total } from './charts/chart-data.ts';
import { initials } from './components/avatar.tsx';
import { slaLook } from './components/sla-clock.tsx';
import { addFiles } from './file-check.ts';
import { fuzzyFilter, fuzzyScore, holds } from './fuzzy.ts';
import { findNear, moveActive } from './list-place.ts';

describe('SLA clock', () => {
  const due = Date.parse('2026-11-09T11:00:00Z');
  const clock = {
    phase: 'ok',
    share_used: 0.25,
    risk_at: new Date(due - 3_600_000).toISOString(),
    due_at: new Date(due).toISOString(),
    done_at: null,
  } as const;

  it('looks as it was told', () => {
    const sunday = Date.parse('2026-11-08T12:00:00Z');
    expect(slaLook(clock, sunday)).toBe('running');
    expect(slaLook({ ...clock, phase: 'at_risk' }, sunday)).toBe('at_risk');
    expect(slaLook({ ...clock, phase: 'breached' }, sunday)).toBe('overdue');
    expect(slaLook({ ...clock, phase: 'breached', done_at: clock.due_at }, sunday)).toBe('missed');
    for (const phase of ['none', 'paused', 'met'] as const)
      expect(slaLook({ ...clock, phase }, due + 1)).toBe(phase);
  });

  it('comes to be at risk and overdue at the moments that were told, without asking again', () => {
    expect(slaLook(clock, due - 3_600_001)).toBe('running');
    expect(slaLook(clock, due - 3_600_000)).toBe('at_risk');
    expect(slaLook(clock, due)).toBe('overdue');
  });
});

describe('list', () => {
  it('moves by keys and stays inside', () => {
    expect(moveActive('j', -1, 10, 5)).toBe(0);
    expect(moveActive('ArrowDown', 9, 10, 5)).toBe(9);
    expect(moveActive('k', -1, 10, 5)).toBe(0);
    expect(moveActive('PageUp', 3, 10, 5)).toBe(0);
    expect(moveActive('End', 0, 10, 5)).toBe(9);
    expect(moveActive('q', 0, 10, 5)).toBeNull();
    expect(moveActive('j', -1, 0, 5)).toBeNull();
  });

  it('finds a row again after others came or went', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1 }),
        fc.nat(),
        fc.nat(200),
        (keys, pick, hint) => {
          const index = pick % keys.length;
          const keyAt = (i: number) => (i >= 0 ? keys[i] : undefined);
          expect(findNear(keyAt, keys.length, keys[index]!, hint)).toBe(index);
          expect(findNear(keyAt, keys.length, `${keys.join('')}x`, hint)).toBe(-1);
        },
      ),
    );
  });
});

describe('command search', () => {
  it('prefers beginnings, then parts, then letters in order', () => {
    const titles = ['Kunden', 'Neuer Kunde', 'Ankunft', 'Kategorien und Netze'];
    expect(fuzzyFilter('kun', titles, (x) => x)).toEqual([
      'Kunden',
      'Neuer Kunde',
      'Ankunft',
      'Kategorien und Netze',
    ]);
    expect(fuzzyFilter('', titles, (x) => x)).toEqual(titles);
  });

  it('does not mind accents, case or ß, and wants every word', () => {
    expect(fuzzyScore('ubersicht', 'Übersicht')).not.toBeNull();
    expect(fuzzyScore('strasse', 'Straße')).not.toBeNull();
    expect(fuzzyScore('neu xyz', 'Neues Ticket')).toBeNull();
  });

  it.each([
    ['Müller', 'muller'],
    ['muller', 'Müller'],
    ['mueller', 'Müller'],
    ['MU\u0308LLER', 'Müller'],
    ['STRAẞE', 'Straße'],
    ['strasse', 'Straße'],
    ['istanbul', 'İstanbul'],
    ['office', 'Oﬃce'],
    ['Oﬃce', 'Office'],
    ['lodz', 'Łódź'],
    ['aero', 'Ærø'],
    ['drucker', 'Dru\u00ADcker'],
    ['Drucker', 'Ｄｒｕｃｋｅｒ'],
    ['angstrom', 'Ångström'],
    ['cafe', 'Café'],
    ['yilmaz', 'Yılmaz'],
  ])('finds by %s what the lists find: %s', (query, text) => {
    // As lists and search compare (libs/domain/src/text.ts).
    const [asked, stored] = [foldText(query), foldText(text)];
    expect([asked, withoutUmlautSpelling(asked)]).toContain(stored);
    expect(fuzzyScore(query, text)).toBeGreaterThan(3.9);
    expect(fuzzyScore(query, `Zu ${text}`)).toBeGreaterThan(2.9);
    expect(holds(query, `Zu ${text}.`)).toBe(true);
  });

  it('tells apart what the lists tell apart: vowel signs and the voicing of kana are letters', () => {
    for (const [query, text] of [
      ['カ', 'ガ'],
      ['कताब', 'किताब'],
    ] as const) {
      expect(foldText(text)).not.toContain(foldText(query));
      expect(fuzzyScore(query, text) ?? 0).toBeLessThan(2);
      expect(holds(query, text)).toBe(false);
    }
  });
});

describe('files', () => {
  const file = (name: string, size = 10, type = 'image/png') => ({ name, size, type, lastModified: 1 });
  const limits = { maxBytes: 100, maxFiles: 2, accept: ['image/*', 'application/pdf'] };

  it('takes what fits and says why not', () => {
    const result = addFiles(
      [file('a')],
      [file('a'), file('big', 101), file('x', 1, 'text/html'), file('nothing', 0), file('b')],
      limits,
    );
    expect(result.files.map((f) => f.name)).toEqual(['a', 'b']);
    expect(result.refused).toEqual([
      { reason: 'too_large', name: 'big' },
      { reason: 'wrong_type', name: 'x' },
      { reason: 'empty', name: 'nothing' },
    ]);
    expect(addFiles(result.files, [file('c'), file('d')], limits).refused).toEqual([{ reason: 'too_many' }]);
  });

  it('knows a file by its ending when the machine calls its type something else', () => {
    const csv = { maxBytes: 100, maxFiles: 1, accept: ['.csv', 'text/csv'] };
    for (const type of ['application/vnd.ms-excel', '', 'text/csv'])
      expect(addFiles([], [file('Kunden.CSV', 1, type)], csv).refused).toEqual([]);
    expect(addFiles([], [file('kunden.xlsx', 1, '')], csv).refused).toEqual([
      { reason: 'wrong_type', name: 'kunden.xlsx' },
    ]);
  });

  it('refuses by name what the type does not tell', () => {
    const refuses = (name: string) => name.endsWith('.exe');
    const result = addFiles([], [file('setup.exe', 1, ''), file('a.png')], { ...limits, refuses });
    expect(result.files.map((f) => f.name)).toEqual(['a.png']);
    expect(result.refused).toEqual([{ reason: 'wrong_type', name: 'setup.exe' }]);
  });
});

describe('charts', () => {
  it('shares a whole and drops what cannot be drawn', () => {
    const data = [
      { label: 'a', value: 3 },
      { label: 'b', value: -2 },
      { label: 'c', value: Number.NaN },
      { label: 'd', value: 1 },
    ];
    expect(total(data)).toBe(4);
    expect(shares(data).map((s) => [s.from, s.share])).toEqual([
      [0, 0.75],
      [0.75, 0],
      [0.75, 0],
      [0.75, 0.25],
    ]);
    expect(shares([{ label: 'a', value: 0 }])[0]!.share).toBe(0);
  });

  it('draws lines inside their box', () => {
    expect(linePath([1, 3], 10, 4)).toBe('M0 4L10 0');
    expect(linePath([2, 2], 10, 4)).toBe('M0 2L10 2');
    expect(linePath([], 10, 4)).toBe('');
  });
});

it('takes initials from the first and last name', () => {
  expect([initials('Anna Maria Beck'), initials('özil'), initials('  ')]).toEqual(['AB', 'Ö', '']);
});
