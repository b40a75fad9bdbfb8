import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS, type Fields, generatedLog, logFile, values } from './import/log-file.test-helper.ts';
import { digestOf, type ImportState, importState } from './import-state.test-helper.ts';
import { BIN, type RunningPlatform, startPlatform } from './platform.test-helper.ts';
import { runCli } from './run-cli.test-helper.ts';

let dir: TempDir;
let platform: RunningPlatform;
beforeAll(async () => {
  dir = await tempDir('psactl-problems-e2e');
  platform = await startPlatform();
});
afterAll(async () => {
  await platform?.stop();
  await dir.remove();
});

const argv = (path: string, more: string[] = []) => [
  'import',
  'tickets',
  path,
  '--format',
  'servicenow-log',
  ...more,
];
const importing = async (path: string, more: string[] = []) => {
  const ran = await runCli(argv(path, ['--json', ...more]), platform.env, { cwd: dir.path });
  return { ...ran, result: JSON.parse(ran.stdout) };
};

const ROWS = generatedLog(40);
/** Lines of the mutilated file and why they cannot be taken: field and message. */
type Expected = [line: number, field: string | null, message: RegExp];

/** The log with one kind of damage each 20 rows. */
function mutilated(): { content: Buffer; expected: Expected[] } {
  const lines = ROWS.map((row) => values(row));
  const expected: Expected[] = [];
  const damage: ((row: string[]) => [string | Buffer, string | null, RegExp])[] = [
    (row) => [
      set(row, 'sys_updated_at', '31-02-2016 10:00'),
      'sys_updated_at',
      /not a date.*"31-02-2016 10:00"/,
    ],
    (row) => [set(row, 'opened_at', '2016-03-01T10:00'), 'opened_at', /not a date and time as dd-mm-yyyy/],
    (row) => [set(row, 'sys_updated_at', '01-03-2016 24:61'), 'sys_updated_at', /not a date/],
    (row) => [set(row, 'number', '?'), 'number', /is missing/],
    (row) => [set(row, 'incident_state', '-100'), 'incident_state', /is none of New, .*"-100"/],
    (row) => [set(row, 'priority', ''), 'priority', /is missing/],
    (row) => [set(row, 'sys_mod_count', '1.5'), 'sys_mod_count', /not a whole number/],
    (row) => [set(row, 'made_sla', 'maybe'), 'made_sla', /neither TRUE nor FALSE/],
    (row) => [row.slice(0, 30).join(','), null, /has 30 values where the header has 36/],
    (row) => [`${row.join(',')},x,y`, null, /has 38 values where the header has 36/],
    // A quote that closes in the wrong place takes the commas with it.
    (row) => [`"${row.slice(0, 3).join(',')}",${row.slice(3).join(',')}`, null, /has 34 values where/],
    (row) => [
      Buffer.from(set(row, 'category', 'B\xe4der'), 'latin1'),
      'category',
      /bytes that are not UTF-8/,
    ],
    (row) => [set(row, 'subcategory', 'a\u0000b'), 'subcategory', /control characters/],
    (row) => [set(row, 'assignment_group', 'G'.repeat(101)), 'assignment_group', /longer than 100/],
  ];
  const step = Math.floor(lines.length / damage.length);
  const parts: Buffer[] = [Buffer.from(`${COLUMNS.join(',')}\n`)];
  lines.forEach((row, i) => {
    const change = i % step === 1 ? damage[(i - 1) / step] : undefined;
    const [text, field, message] = change?.(row) ?? [row.join(','), null, null];
    if (message) expected.push([i + 2, field, message]);
    parts.push(Buffer.from(text as string), Buffer.from('\n'));
  });
  // One row twice, at the end.
  parts.push(Buffer.from(lines[0]!.join(',')));
  expected.push([lines.length + 2, null, /^repeats line 2$/]);
  expect(expected).toHaveLength(damage.length + 1);
  return { content: Buffer.concat(parts), expected };
}
const set = (row: readonly string[], column: keyof Fields, value: string) =>
  row.map((old, i) => (COLUMNS[i] === column ? value : old)).join(',');

describe('a mutilated log', () => {
  let before: ImportState;
  let expected: Expected[];

  it('is taken but for the bad rows, each of which is named with its line and reason', async () => {
    const { content, expected: bad } = mutilated();
    expected = bad;
    await writeFile(join(dir.path, 'mutilated.csv'), content);
    const { code, result, stderr } = await importing('mutilated.csv', ['--problems', 'refused.csv']);
    expect(code, stderr).toBe(3);
    expect(result).toMatchObject({
      ok: false,
      outcome: 'partial',
      exit: 3,
      rows: ROWS.length + 1,
      taken: ROWS.length + 1 - expected.length,
      refused: expected.length,
      history_added: ROWS.length + 1 - expected.length,
      tickets_refused: 0,
      problems_unnamed: 0,
    });
    const problems = (result.problems as { line: number; field: string | null; message: string }[]).sort(
      (a, b) => a.line - b.line,
    );
    expect(problems.map(({ line, field }) => [line, field])).toEqual(
      expected.map(([line, field]) => [line, field]),
    );
    problems.forEach(({ message }, i) => {
      expect(message).toMatch(expected[i]![2]);
    });
    const written = (await readFile(join(dir.path, 'refused.csv'), 'utf8')).trim().split('\n');
    expect(written[0]).toBe('line,record,field,message');
    expect(
      written
        .slice(1)
        .map((line) => Number(line.split(',')[0]))
        .sort((a, b) => a - b),
    ).toEqual(expected.map(([line]) => line));
    before = await importState(platform.sql);
    expect(before.history).toHaveLength(result.taken);
  });

  it('is the same when it is imported again', async () => {
    const { code, result } = await importing('mutilated.csv');
    expect(code).toBe(3);
    expect(result).toMatchObject({ refused: expected.length, history_added: 0, tickets_created: 0 });
    expect(digestOf(await importState(platform.sql))).toEqual(digestOf(before));
  });

  it('says the same to a person, on stdout', async () => {
    const { code, stdout } = await runCli(argv('mutilated.csv', ['--dry-run']), platform.env, {
      cwd: dir.path,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`would be refused +${expected.length}\n`));
    for (const [line] of expected) expect(stdout).toMatch(new RegExp(`^ {2}line ${line}[,:]`, 'm'));
  });

  it('is completed by the mended file, and only by what was missing', async () => {
    await writeFile(join(dir.path, 'mended.csv'), logFile(ROWS));
    const { code, result } = await importing('mended.csv');
    expect(code).toBe(0);
    const { history } = await importState(platform.sql);
    expect(history).toHaveLength(ROWS.length);
    expect(result).toMatchObject({ taken: ROWS.length, history_added: ROWS.length - before.history!.length });
  });
});

describe('a file that is no log', () => {
  it.each<[string, string | null, number, RegExp]>([
    ['empty.csv', '', 1, /as a servicenow-log file\.\n {2}why: The file is empty/],
    ['other.csv', 'a,b\n1,2\n', 1, /why: The first line lacks the columns number, incident_state/],
    ['no-header.csv', logFile(ROWS).slice(logFile([]).length), 1, /lacks the columns/],
    [
      'open-quote.csv',
      `${logFile(ROWS)}${set(values(), 'category', '"open')}\n`,
      1,
      /A quote is opened.*never closed/,
    ],
    ['folder', null, 1, /folder: it is not a file/],
    ['none.csv', null, 10, /none\.csv: there is no such file/],
  ])('is refused in a sentence, and nothing is sent: %s', async (name, content, exit, message) => {
    if (name === 'folder') await mkdir(join(dir.path, name));
    if (content !== null) await writeFile(join(dir.path, name), content);
    const before = digestOf(await importState(platform.sql));
    const { code, stdout, stderr } = await runCli(argv(name), platform.env, { cwd: dir.path });
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/psactl: Unable to read .*\.(\n|$)/m);
    expect(stderr).not.toMatch(/\n\s+at /);
    const { code: again, result } = await importing(name);
    expect(again).toBe(exit);
    expect(result).toMatchObject({
      ok: false,
      exit,
      error: { message: expect.stringMatching(/^Unable to read/) },
    });
    expect(digestOf(await importState(platform.sql))).toEqual(before);
  });

  it('may hold a header alone: that is an import of nothing', async () => {
    await writeFile(join(dir.path, 'header.csv'), logFile([]));
    const { code, result } = await importing('header.csv');
    expect(code).toBe(0);
    expect(result).toMatchObject({ rows: 0, taken: 0, refused: 0, tickets: 0, customers_created: 0 });
  });
});

describe('the way there', () => {
  /** What a terminal shows of this command line. */
  const onTerminal = async (line: string) =>
    (
      await promisify(execFile)('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
        cwd: dir.path,
        env: { ...platform.env, TERM: 'xterm' },
      })
    ).stdout;

  it('is shown on a terminal as a line that is drawn over', async () => {
    const shown = await onTerminal(`${BIN}/psactl ${argv('mended.csv').join(' ')}`);
    expect(shown).toContain(`\r\u001b[KChecking rows ${ROWS.length} of ${ROWS.length} [====`);
    expect(shown).toContain('\r\u001b[KTickets 40 of 40 [========================] 100 %');
    expect(shown).toMatch(/\[Krows +\d+\r\n {2}taken +\d+ +0 new, \d+ known from before/);
  });

  it('is not shown beside --json on a terminal: there is one object and nothing else', async () => {
    const shown = await onTerminal(`${BIN}/psactl ${argv('mended.csv', ['--json']).join(' ')}`);
    expect(JSON.parse(shown)).toMatchObject({ ok: true, rows: ROWS.length });
  });

  it('is told to a program as one JSON object a line, on stderr', async () => {
    const { stdout, stderr } = await importing('mended.csv');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    const told = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told.at(-1)).toEqual({ progress: 'Tickets', done: 40, total: 40 });
  });
});
