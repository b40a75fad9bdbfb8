import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMNS, type Fields, values } from './log-file.test-helper.ts';
import { type LogRow, parseLogTime, readRow } from './servicenow-row.ts';

const read = (fields: Fields, zone = 'UTC') => readRow(COLUMNS, values(fields), 2, zone);
const good = (fields: Fields, zone?: string): LogRow => {
  const result = read(fields, zone);
  if (!('row' in result)) throw new Error(JSON.stringify(result));
  return result.row;
};
const reasons = (fields: Fields) => {
  const result = read(fields);
  return 'row' in result ? [] : result.reasons.map(({ field, message }) => `${field}: ${message}`);
};

describe('a row of the log', () => {
  it('is read with its names in order and its times as instants', () => {
    expect(
      good({
        incident_state: 'Awaiting User Info',
        opened_by: 'Opened by  8',
        closed_at: '05-03-2016 12:00',
      }),
    ).toMatchObject({
      number: 'INC0000001',
      status: 'waiting_customer',
      priority: 'medium',
      updatedAt: '2016-02-29T01:23:00Z',
      openedAt: '2016-02-29T01:16:00Z',
      closedAt: '2016-03-05T12:00:00Z',
      resolvedAt: null,
      assignedTo: null,
      caller: 'Caller 7',
      facts: { opened_by: 'Opened by 8' },
    });
  });

  it('takes the times of the file in its time zone', () => {
    expect(good({ sys_updated_at: '01-07-2016 12:00' }, 'Europe/Berlin').updatedAt).toBe(
      '2016-07-01T10:00:00Z',
    );
    expect(good({ sys_updated_at: '01-01-2016 12:00' }, 'Europe/Berlin').updatedAt).toBe(
      '2016-01-01T11:00:00Z',
    );
  });

  it('is refused with every field that is wrong and why', () => {
    expect(reasons({ number: '?', sys_updated_at: '30-02-2016 10:00', priority: 'urgent' })).toEqual([
      'number: is missing',
      'priority: is none of 1 - Critical, 2 - High, 3 - Moderate, 4 - Low: "urgent"',
      'sys_updated_at: is not a date and time as dd-mm-yyyy hh:mm: "30-02-2016 10:00"',
    ]);
    expect(reasons({ incident_state: '-100' })[0]).toMatch(/^incident_state: is none of New, .*"-100"$/);
    expect(reasons({ incident_state: 'toString' })).toHaveLength(1);
    expect(reasons({ sys_mod_count: '1.5' })).toEqual(['sys_mod_count: is not a whole number: "1.5"']);
    expect(reasons({ made_sla: 'maybe' })).toEqual(['made_sla: is neither TRUE nor FALSE: "maybe"']);
    expect(reasons({ opened_at: '2016-02-29 01:16' })).toHaveLength(1);
    expect(reasons({ location: 'x'.repeat(300) })).toEqual(['location: is longer than 180 characters']);
    expect(reasons({ category: 'a\u0000b' })).toEqual(['category: has control characters']);
    expect(reasons({ category: 'a\ufffdb' })).toEqual(['category: has bytes that are not UTF-8']);
  });

  it('is refused when it has more or fewer values than the header', () => {
    expect(readRow(COLUMNS, values().slice(0, 20), 9, 'UTC')).toEqual({
      number: 'INC0000001',
      reasons: [{ field: null, message: 'has 20 values where the header has 36 columns' }],
    });
  });

  it('has an id that does not hang on space, on column order or on what is filled in later', () => {
    const { rowId } = good({});
    expect(rowId).toMatch(/^INC0000001\/0\/[0-9a-f]{16}$/);
    expect(good({ location: ' Location  143 ' }).rowId).toBe(rowId);
    expect(good({ closed_at: '05-03-2016 12:00', closed_code: 'code 5' }).rowId).toBe(rowId);
    const turned = readRow([...COLUMNS].reverse(), values().reverse(), 2, 'UTC');
    expect('row' in turned && turned.row.rowId).toBe(rowId);
    expect(good({ sys_updated_at: '29-02-2016 01:24' }).rowId).not.toBe(rowId);
    expect(good({ assigned_to: 'Resolver 1' }).rowId).not.toBe(rowId);
  });

  it('is read or refused with a reason, whatever stands in it', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('?', '', 'New', '1 - Critical', '29-02-2016 10:00', '31-04-2016 10:00', '0', 'TRUE'),
    );
    fc.assert(
      fc.property(fc.array(cell, { minLength: 30, maxLength: 38 }), (cells) => {
        const result = readRow(COLUMNS, cells, 5, 'Europe/Berlin');
        if ('row' in result) expect(result.row.line).toBe(5);
        else expect(result.reasons.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a time of the log', () => {
  it('survives the way there and back, in UTC', () => {
    const minute = fc.date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(minute, (date) => {
        const iso = `${date.toISOString().slice(0, 16)}:00Z`;
        const [y, m, d] = iso.slice(0, 10).split('-');
        expect(parseLogTime(`${d}-${m}-${y} ${iso.slice(11, 16)}`, 'UTC')).toBe(iso);
      }),
    );
  });

  it('is moved behind the gap in spring and taken as the first of two in autumn', () => {
    expect(parseLogTime('27-03-2016 02:30', 'Europe/Berlin')).toBe('2016-03-27T01:30:00Z');
    expect(parseLogTime('30-10-2016 02:30', 'Europe/Berlin')).toBe('2016-10-30T00:30:00Z');
  });

  it('is none when there is no such day or hour', () => {
    for (const text of [
      '31-04-2016 10:00',
      '00-01-2016 10:00',
      '01-13-2016 10:00',
      '01-01-2016 24:00',
      '1-1-2016 1:00',
      '',
    ]) {
      expect(parseLogTime(text, 'UTC')).toBeNull();
    }
  });
});
