import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Fields, generatedLog, logFile } from '../../import/log-file.test-helper.ts';
import { type Asked, no, type Reply, runCli, standIn } from '../../run-cli.test-helper.ts';

const { path, serve } = standIn();

describe('an import', () => {
  /** Takes everything; `refuse` and `bad` name tickets that it does not. */
  const platform = (refuse: string[] = [], bad: string[] = []) => {
    const ids = (list: { external_id: string }[]) =>
      list.map(({ external_id }) => ({ external_id, id: external_id, created: true }));
    return ({ path, body }: Asked): Reply => {
      const noun = path.split('/')[3]!;
      const list = (body as Record<string, { external_id: string; history: unknown[] }[]>)[noun]!;
      if (noun !== 'tickets') return { body: { data: { [noun]: ids(list) } } };
      const wrong = list.flatMap((ticket, i) =>
        bad.includes(ticket.external_id) ? [{ field: `tickets[${i}].title`, message: 'is odd' }] : [],
      );
      if (wrong.length > 0) return no(400, 'VALIDATION_ERROR', { details: wrong });
      return {
        body: {
          data: {
            tickets: list.map(({ external_id, history }) => ({
              external_id,
              id: refuse.includes(external_id) ? null : external_id,
              outcome: refuse.includes(external_id) ? 'refused' : 'created',
              history_added: refuse.includes(external_id) ? 0 : history.length,
              history_known: 0,
              reason: refuse.includes(external_id) ? 'the customer is gone' : null,
            })),
          },
        },
      };
    };
  };
  const rows = generatedLog(30);
  const length = (number: string) => rows.filter((row) => row.number === number).length;
  const importing = async (env: Record<string, string>, more: string[] = []) => {
    await writeFile(path('all.csv'), logFile(rows));
    const ran = await runCli(
      ['import', 'tickets', 'all.csv', '--format', 'servicenow-log', '--json', ...more],
      env,
      { cwd: path() },
    );
    return { ...ran, result: JSON.parse(ran.stdout) };
  };

  it('sends names first, then tickets in batches, and its counts add up', async () => {
    const { env, asked } = await serve(platform());
    const { code, result } = await importing(env, ['--batch', '8']);
    expect(code).toBe(0);
    expect(result).toMatchObject({
      psactl: 1,
      command: 'import tickets',
      ok: true,
      rows: rows.length,
      taken: rows.length,
      refused: 0,
      tickets: 30,
      tickets_created: 30,
      history_added: rows.length,
      history_known: 0,
    });
    expect(asked.map(({ path }) => path.split('/')[3])).toEqual([
      'customers',
      'contacts',
      'users',
      'teams',
      ...Array(4).fill('tickets'),
    ]);
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(asked.length);
  });

  it('counts the rows of a ticket that the platform refuses as refused, with its reason', async () => {
    const { env } = await serve(platform(['INC0000003']));
    const { code, result } = await importing(env);
    expect(code).toBe(3);
    expect(result).toMatchObject({
      outcome: 'partial',
      ok: false,
      tickets: 29,
      tickets_refused: 1,
      refused: length('INC0000003'),
    });
    expect(result.rows).toBe(result.taken + result.refused);
    expect(result.problems[0]).toMatchObject({
      record: 'INC0000003',
      message: 'was refused by the platform: the customer is gone',
    });
  });

  it('sends the others again when the platform turns a batch away for some of them', async () => {
    const { env } = await serve(platform(['INC0000003'], ['INC0000007', 'INC0000020']));
    const { code, result } = await importing(env);
    expect(code).toBe(3);
    expect(result).toMatchObject({ tickets: 27, tickets_refused: 3 });
    expect(result.rows).toBe(result.taken + result.refused);
    expect(result.problems).toContainEqual(
      expect.objectContaining({ record: 'INC0000007', message: 'was refused by the platform: title is odd' }),
    );
  });

  it('cuts a history that is too long for one request', async () => {
    const long = Array.from(
      { length: 2_500 },
      (_, i): Fields => ({
        sys_mod_count: String(i),
        sys_updated_at: `01-03-2016 ${String(Math.floor(i / 120)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}`,
      }),
    );
    const { env, asked } = await serve(platform());
    await writeFile(path('long.csv'), logFile(long));
    const ran = await runCli(['import', 'tickets', 'long.csv', '--format', 'servicenow-log', '--json'], env, {
      cwd: path(),
    });
    expect(JSON.parse(ran.stdout)).toMatchObject({ taken: 2_500, tickets: 1, history_added: 2_500 });
    const sent = asked.filter(({ path }) => path.endsWith('/tickets/import'));
    expect(sent.length).toBeGreaterThan(1);
    for (const { body } of sent) expect(JSON.stringify(body).length).toBeLessThan(1_000_000);
  });

  it('stands out against a platform whose counts do not add up', async () => {
    const honest = platform();
    const { env } = await serve((asked) => {
      const reply = honest(asked);
      return JSON.parse(JSON.stringify(reply).replace(/"history_added":\d+/, '"history_added":0'));
    });
    const { code, result } = await importing(env);
    expect(code).toBe(1);
    expect(result.error.code).toBe('UNBALANCED');
  });

  it('that is interrupted is exit code 130 and says how to go on', async () => {
    const stop = new AbortController();
    const { env } = await serve((asked) => {
      if (!asked.path.endsWith('/tickets/import')) return platform()(asked);
      stop.abort();
      return { body: {} };
    });
    const file = path('interrupted.csv');
    await writeFile(file, logFile(generatedLog(5)));
    const ran = await runCli(['import', 'tickets', file, '--format', 'servicenow-log', '--json'], env, {
      signal: stop.signal,
    });
    expect(ran.code).toBe(130);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      outcome: 'interrupted',
      error: { fix: expect.stringContaining('Run the same command again') },
    });
  });
});
