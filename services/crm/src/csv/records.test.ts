import { csvLine, defuse, undefuse } from '@psa/service-kit/csv-cells';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvRecord, MAX_RECORD, readRecords } from './records.ts';

async function read(text: string, delimiter = ';', cut: readonly number[] = []): Promise<CsvRecord[]> {
  const chunks: string[] = [];
  let from = 0;
  for (const at of [...cut].sort((a, b) => a - b)) {
    chunks.push(text.slice(from, Math.max(from, at)));
    from = Math.max(from, at);
  }
  chunks.push(text.slice(from));
  return Array.fromAsync(readRecords(chunks, delimiter));
}

describe('records', () => {
  it('have cells, quoted or not, over line breaks of every kind', async () => {
    expect(await read('a;b\r\n"x;""y""";\n"two\r\nlines";3\r4;5')).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['x;"y"', ''] },
      { line: 3, cells: ['two\r\nlines', '3'] },
      { line: 5, cells: ['4', '5'] },
    ]);
    expect(await read('')).toEqual([]);
  });

  it('have cells whose quotation marks stand apart from what divides them', async () => {
    expect(await read('"a"; "b;c" ;d\n "x\ny" ;\u00a0"z"\n  ; e ;"f"')).toEqual([
      { line: 1, cells: ['a', 'b;c', 'd'] },
      { line: 2, cells: ['x\ny', 'z'] },
      { line: 4, cells: ['  ', ' e ', 'f'] },
    ]);
    expect(await read('1;"a" b\n2;c')).toEqual([
      { line: 1, problem: 'has text after a closing quotation mark' },
      { line: 2, cells: ['2', 'c'] },
    ]);
  });

  it('that are bad cost no other record', async () => {
    expect(await read('1;2\n"x"y;3\n4;5\na"b;6\n7;8\n"open;9\n10;11\n')).toEqual([
      { line: 1, cells: ['1', '2'] },
      { line: 2, problem: 'has text after a closing quotation mark' },
      { line: 3, cells: ['4', '5'] },
      { line: 4, problem: 'has a quotation mark inside a cell that does not begin with one' },
      { line: 5, cells: ['7', '8'] },
      { line: 6, problem: 'has a quotation mark that is not closed' },
      { line: 7, cells: ['10', '11'] },
    ]);
  });

  it('that never end are noticed, and the rest is read', async () => {
    const long = await read(
      `"${'x'.repeat(2 * MAX_RECORD)}\n1;2\n${'y'.repeat(2 * MAX_RECORD)}\n3;4`,
      ';',
      [10, 70_000, 140_000, 200_000],
    );
    expect(long.map((record) => ('cells' in record ? record.cells : record.line))).toEqual([
      1,
      ['1', '2'],
      3,
      ['3', '4'],
    ]);
  });

  const cell = fc.string({
    unit: fc.constantFrom('a', 'ü', '"', ';', ',', '\n', '\r', '=', '+', "'", '\t', ' '),
  });
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });

  it('come back as they were written, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(';', ','),
        fc.array(fc.nat(200), { maxLength: 8 }),
        async (rows, delimiter, cut) => {
          const text = rows.map((row) => csvLine(row, delimiter)).join('');
          const records = await read(text, delimiter, cut);
          expect(records.map((record) => ('cells' in record ? record.cells.map(undefuse) : record))).toEqual(
            rows,
          );
        },
      ),
    );
  });

  it('do not depend on where the chunks of any text are cut, and account for every line', async () => {
    const unit = fc.constantFrom('a', ' ', '"', ';', '\n', '\r', '\r\n', '""');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit, maxLength: 60 }), fc.array(fc.nat(60)), async (text, cut) => {
        const whole = await read(text);
        expect(await read(text, ';', cut)).toEqual(whole);
        const lines = whole.map((record) => record.line);
        expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });
});

describe('cells', () => {
  it.each(['=1+1', '+49 170', '-1', '@SUM(A1)', '\t=1', "'=1"])(
    '%j is made harmless, and comes back',
    (text) => {
      expect(defuse(text)).toBe(`'${text}`);
      expect(undefuse(defuse(text))).toBe(text);
    },
  );

  it('are never left to run, and always come back', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(defuse(text)).not.toMatch(/^[=+\-@\t\r]/);
        expect(undefuse(defuse(text))).toBe(text);
      }),
    );
  });
});
