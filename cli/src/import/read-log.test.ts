import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fields, generatedLog, logFile } from './log-file.test-helper.ts';
import { readLog, survey } from './read-log.ts';
import type { Incident } from './servicenow-log.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('read-log');
});
afterAll(() => dir.remove());

const signal = new AbortController().signal;
let files = 0;
async function write(content: string | Buffer): Promise<string> {
  const path = join(dir.path, `${++files}.csv`);
  await writeFile(path, content);
  return path;
}
async function all(content: string | Buffer) {
  const surveyed = await survey(await write(content), signal);
  const incidents: Incident[] = [];
  const refused: string[] = [];
  for await (const item of readLog(surveyed, 'UTC', signal)) {
    if ('incident' in item) incidents.push(item.incident);
    else refused.push(...item.refused.map(({ line, field, message }) => `${line} ${field}: ${message}`));
  }
  return { rows: surveyed.rows, incidents, refused };
}
const row = (number: string, modCount: number, more: Fields = {}): Fields => ({
  number,
  sys_mod_count: String(modCount),
  sys_updated_at: `01-03-2016 10:${String(modCount).padStart(2, '0')}`,
  ...more,
});
const tickets = (incidents: readonly Incident[]) =>
  incidents.map(({ ticket }) => ticket).sort((a, b) => a.external_id.localeCompare(b.external_id));

describe('a log file', () => {
  it('is read incident by incident, in the order of the file', async () => {
    const { rows, incidents, refused } = await all(logFile([row('B', 0), row('B', 1), row('A', 0)]));
    expect({ rows, refused }).toEqual({ rows: 3, refused: [] });
    expect(incidents.map(({ ticket, lines }) => [ticket.external_id, lines])).toEqual([
      ['B', [2, 3]],
      ['A', [4]],
    ]);
  });

  it('may have its rows scattered: the tickets are the same', async () => {
    const rows = generatedLog(30);
    const mixed = rows
      .map((fields, i) => ({ fields, key: (i * 7919) % rows.length }))
      .sort((a, b) => a.key - b.key)
      .map(({ fields }) => fields);
    const grouped = await all(logFile(rows));
    const scattered = await all(logFile(mixed));
    expect(tickets(scattered.incidents)).toEqual(tickets(grouped.incidents));
    expect(scattered.rows).toBe(rows.length);
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('psactl-import-'))).toEqual([]);
  });

  it('names refused rows by line and takes the others', async () => {
    const { rows, incidents, refused } = await all(
      logFile([
        row('A', 0),
        row('A', 1, { incident_state: 'Lost' }),
        row('A', 2),
        row('B', 0, { opened_at: '?' }),
      ]),
    );
    expect(rows).toBe(4);
    expect(incidents.map(({ ticket, lines }) => [ticket.external_id, lines])).toEqual([['A', [2, 4]]]);
    expect(refused).toEqual([
      expect.stringMatching(/^3 incident_state: .*"Lost"/),
      '5 opened_at: is missing',
    ]);
  });

  it('refuses a repeated row, also when it comes much later', async () => {
    const { refused, incidents } = await all(logFile([row('A', 0), row('B', 0), row('A', 1), row('A', 0)]));
    expect(refused).toEqual(['5 null: repeats line 2']);
    expect(incidents).toHaveLength(2);
  });

  it('may come from Windows: byte order mark, carriage returns, quotes, empty lines, columns more and in another order', async () => {
    const { rows, incidents, refused } = await all(`\ufeff${logFile([row('A', 0)], '\r\n')}\r\n\r\n`);
    expect({ rows, refused }).toEqual({ rows: 1, refused: [] });
    const [header, values] = logFile([row('A', 0)])
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const turned = [header, values].map(
      (cells) =>
        `"new,est",${[...cells!]
          .reverse()
          .map((cell) => `"${cell}"`)
          .join(',')}`,
    );
    expect(tickets((await all(turned.join('\n'))).incidents)).toEqual(tickets(incidents));
  });

  it('knows the lines also behind a quoted line break', async () => {
    const { refused } = await all(
      logFile([row('A', 0, { closed_code: '"two\nlines"' }), row('A', 1, { priority: '9' })]),
    );
    expect(refused).toEqual([expect.stringMatching(/^4 priority: /)]);
  });

  it('may be cut off in the last row', async () => {
    const { refused, incidents } = await all(logFile([row('A', 0), row('A', 1)]).slice(0, -60));
    expect(refused).toEqual([
      expect.stringMatching(/^3 null: has \d+ values where the header has 36 columns$/),
    ]);
    expect(incidents[0]!.lines).toEqual([2]);
  });

  it('may hold nothing but its header', async () => {
    expect(await all(logFile([]))).toEqual({ rows: 0, incidents: [], refused: [] });
  });
});

describe('a file that is no log', () => {
  const failure = (content: string | Buffer) =>
    all(content).then(
      () => 'was read',
      (error: { message: string; why: string }) =>
        `${error.message.replace(/\S+\.csv/, 'FILE')} ${error.why}`,
    );

  it.each([
    ['an empty one', '', 'Unable to read FILE as a servicenow-log file. The file is empty.'],
    ['another table', 'a,b\n1,2\n', /lacks the columns number, incident_state, /],
    ['values where the names should stand', logFile([{}, {}]).slice(logFile([]).length), /lacks the columns/],
    ['separated by semicolons', logFile([{}]).replaceAll(',', ';'), /lacks the columns number/],
    ['a column twice', `${logFile([]).trim()},number\n`, /names the column number twice/],
    ['bytes', Buffer.from([0, 255, 254, 10, 0, 1, 2]), /lacks the columns/],
  ])('is refused: %s', async (_name, content, message) => {
    expect(await failure(content)).toMatch(message);
  });

  it('is refused when a quote is never closed', async () => {
    expect(await failure(logFile([row('A', 0, { category: '"open' }), ...generatedLog(20)]))).toMatch(
      /never closed/,
    );
    expect(await failure(logFile([row('A', 0, { category: '"open' }), ...generatedLog(400)]))).toMatch(
      /never closed/,
    );
  });

  it('is refused when it is a folder or not there', async () => {
    await expect(survey(dir.path, signal)).rejects.toThrow('it is not a file');
    await expect(survey(join(dir.path, 'none.csv'), signal)).rejects.toMatchObject({ outcome: 'not_found' });
  });

  it('is refused when it grows while it is read', async () => {
    const path = await write(logFile([row('A', 0)]));
    const surveyed = await survey(path, signal);
    await writeFile(path, logFile([row('A', 0), row('A', 1)]));
    await expect(async () => {
      for await (const item of readLog(surveyed, 'UTC', signal)) expect(item).toBeDefined();
    }).rejects.toThrow('it was changed while it was read');
  });
});
