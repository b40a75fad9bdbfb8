import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import { freePort } from '@psa/test-kit/free-port';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { postmasterBelow } from './postmaster.test-helper.ts';
import { ADMIN, serviceProcesses } from './service-processes.test-helper.ts';
import { type AcknowledgedTicket, WriteLoad } from './write-load.test-helper.ts';

/** Ended after each test, whatever happened; last first. */
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function post<T>(url: string, body: object, token?: string): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { data: T };
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`);
  return answer.data;
}

async function get<T>(url: string, token: string): Promise<T> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const answer = (await response.json()) as { data: T };
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Signs the first administrator in and makes a customer. */
async function prepare(url: (service: 'auth' | 'crm' | 'tickets') => string) {
  const { email, password } = ADMIN;
  const { access_token: token } = await post<{ access_token: string }>(`${url('auth')}/api/v1/auth/login`, {
    email,
    password,
  });
  const customer = await post<{ id: string }>(`${url('crm')}/api/v1/customers`, { name: 'Krume' }, token);
  return { token, customerId: customer.id };
}

/** Tickets and comments stand there once each: all that were acknowledged, and nothing besides. */
async function expectAllWritten(sql: postgres.Sql, load: WriteLoad): Promise<void> {
  const tickets = await sql<
    { id: string; title: string }[]
  >`select id, title from tickets.tickets order by id`;
  const wanted = load.tickets.map(({ id, title }) => ({ id, title }));
  expect([...tickets]).toEqual(wanted.sort((a, b) => (a.id < b.id ? -1 : 1)));
  const comments = await sql<{ id: string }[]>`select id from tickets.comments order by id`;
  expect(comments.map((row) => row.id)).toEqual(load.tickets.flatMap((ticket) => ticket.comments).sort());
}

/** Every event of the writes, in the order of their ticket: opened, then the comments as they were made. */
const story = (tickets: readonly AcknowledgedTicket[]) =>
  new Map(
    tickets.map((ticket) => [
      ticket.id,
      [`ticket.opened.v1 ${ticket.id}`, ...ticket.comments.map((id) => `ticket.commented.v1 ${id}`)],
    ]),
  );

/** What was told of each ticket, in the order in which it was stored. */
async function told(rows: readonly { aggregate_id: string; type: string; object_id: string }[]) {
  const stories = new Map<string, string[]>();
  for (const row of rows) {
    if (row.type !== 'ticket.opened.v1' && row.type !== 'ticket.commented.v1') continue;
    const lines = stories.get(row.aggregate_id) ?? [];
    lines.push(`${row.type} ${row.object_id}`);
    stories.set(row.aggregate_id, lines);
  }
  return stories;
}

/** The log of the events service: each event once, and its counters (which only add) agree. */
async function expectLogged(sql: postgres.Sql, load: WriteLoad): Promise<void> {
  const rows = await sql<{ aggregate_id: string; type: string; object_id: string }[]>`
    select aggregate_id, type, coalesce(data->>'comment_id', aggregate_id) as object_id from events.log order by seq`;
  expect(await told(rows)).toEqual(story(load.tickets));
  const counted = await sql<{ type: string; sum: string }[]>`
    select type, sum(count) from events.hourly where type in ('ticket.opened.v1', 'ticket.commented.v1')
    group by type order by type`;
  const comments = load.tickets.reduce((sum, ticket) => sum + ticket.comments.length, 0);
  expect(counted.map((row) => [row.type, Number(row.sum)])).toEqual([
    ['ticket.commented.v1', comments],
    ['ticket.opened.v1', load.tickets.length],
  ]);
}

/** The audit chain is whole and has each event once. */
async function expectAudited(sql: postgres.Sql, auth: string, token: string): Promise<void> {
  const verdict = await get<{ intact: boolean; entries: number }>(`${auth}/api/v1/audit/verify`, token);
  const events = await sql<{ id: string }[]>`select id from events.log order by id`;
  const entries = await sql<{ id: string }[]>`select id from auth.audit_log order by id`;
  expect(entries.map((row) => row.id)).toEqual(events.map((row) => row.id));
  expect(verdict).toMatchObject({ intact: true, entries: events.length });
}

/**
 * Waits until nothing is under way: outboxes empty, the log has an event for each write, and each consumer as many as the
 * others. Equal numbers alone say nothing: a broker that has just come back has told none of them of the rest yet.
 */
async function quiet(
  sql: postgres.Sql,
  load: WriteLoad,
  others: () => Promise<Record<string, boolean>>,
): Promise<void> {
  const writes = load.tickets.reduce((sum, ticket) => sum + 1 + ticket.comments.length, 0);
  const look = async () => {
    const [row] = await sql`
      select (select count(*) from tickets.outbox) + (select count(*) from auth.outbox) + (select count(*) from crm.outbox) as outbox,
        (select count(*) from events.log) as events,
        (select count(*) from events.log where type in ('ticket.opened.v1', 'ticket.commented.v1')) as written, (select count(*) from auth.audit_log) as audit`;
    return {
      ...(row as { outbox: string; events: string; written: string; audit: string }),
      ...(await others()),
    };
  };
  await until(async () => {
    const { outbox, events, written, audit, ...rest } = await look();
    return (
      outbox === '0' && Number(written) >= writes && events === audit && !Object.values(rest).includes(false)
    );
  }, 60_000).catch(async () =>
    expect.fail(`Still under way, of ${writes} writes: ${JSON.stringify(await look())}`),
  );
}

describe('kill -9 under load', () => {
  it('of the whole embedded platform and of its database: nothing lost, nothing twice', async () => {
    const dir = await tempDir('crash');
    closing.push(() => dir.remove());
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const start = async () => {
      const child = spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url))], {
        env: {
          ...CHILD_ENV,
          PORT: String(port),
          PSA_DATA_DIR: dir.path,
          PSA_DEMO: '0',
          RATE_ANONYMOUS_PER_MINUTE: '1000000',
          RATE_STANDARD_PER_HOUR: '1000000',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
      const exited = once(child, 'exit');
      closing.push(async () => {
        child.kill('SIGINT');
        await exited;
      });
      await until(
        () => output.includes('Stop: Ctrl-C') || child.exitCode !== null,
        60_000,
        `the start: ${output}`,
      );
      expect(output).toContain('ready on');
      return { child, exited, output };
    };

    const first = await start();
    const setup = decodeURIComponent(/\/setup\?token=(\S+)/.exec(first.output)![1]!);
    await post(`${base}/api/v1/auth/setup`, { token: setup, tenant_name: 'Muster IT', ...ADMIN });
    const { token, customerId } = await prepare(() => base);
    const load = new WriteLoad({ base, token, customerId, writers: 6 });
    await load.more(150);
    first.child.kill('SIGKILL');
    await first.exited;
    const second = await start();
    await load.more(100);

    process.kill(await postmasterBelow(second.child.pid!, `${dir.path}/postgres`), 'SIGKILL');
    await load.more(150);
    await load.stop();
    expect(load.wrong).toEqual([]);
    expect(load.cut).toBeGreaterThan(0);

    const pid = (await readFile(`${dir.path}/postgres/postmaster.pid`, 'utf8')).split('\n');
    const password = (await readFile(`${dir.path}/postgres/psa-superuser-password`, 'utf8')).trim();
    const sql = postgres({
      host: '127.0.0.1',
      port: Number(pid[3]),
      user: 'postgres',
      password,
      database: 'psa_platform',
      max: 2,
    });
    closing.push(() => sql.end({ timeout: 2 }));
    await quiet(sql, load, async () => ({ bus: (await sql`select from bus.events`).length === 0 }));
    await expectAllWritten(sql, load);
    await expectLogged(sql, load);
    await expectAudited(sql, base, token);
    // As people see them.
    const last = load.tickets.at(-1)!;
    const shown = await get<{ title: string }>(`${base}/api/v1/tickets/${last.id}`, token);
    expect(shown.title).toBe(last.title);
  });

  it('of the broker, the relay and the consumer: every event applied once, in order', async () => {
    const rig = await serviceProcesses();
    closing.push(() => rig.stop());
    await rig.start('auth', 'crm', 'tickets', 'events');
    const startLedger = async () => {
      const script = fileURLToPath(new URL('./ledger.test-helper.ts', import.meta.url));
      const child = spawn(process.execPath, [script], {
        env: {
          ...CHILD_ENV,
          DATABASE_URL: rig.databaseUrl('ledger'),
          RABBITMQ_URL: rig.rabbit.url,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      closing.push(async () => {
        child.kill('SIGKILL');
        await exited;
      });
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      await until(() => output.includes('ready'), 60_000, 'the ledger');
      return { child, exited };
    };
    const ledger = await startLedger();
    await rig.makeFirstTenant();
    const { token, customerId } = await prepare(rig.urlOf);
    const load = new WriteLoad({ base: rig.urlOf('tickets'), token, customerId, writers: 6 });
    await load.more(100);

    ledger.child.kill('SIGKILL');
    await ledger.exited;
    await load.more(50);
    await startLedger();
    await load.more(50);

    // The tickets service is the relay of its own outbox: it dies between publish and delete, too.
    await rig.kill9('tickets');
    await rig.start('tickets');
    await load.more(100);

    await rig.rabbit.kill9();
    // Writes are acknowledged while the broker is away; their events wait in the outbox.
    await load.more(50);
    await rig.rabbit.start();
    await load.more(100);
    await load.stop();
    expect(load.wrong).toEqual([]);
    expect(load.cut).toBeGreaterThan(0);

    const { sql } = rig;
    await quiet(sql, load, async () => {
      const [row] = await sql<{ ledger: boolean }[]>`
        select (select count(*) from ledger.applied) >= (select count(*) from events.log) as ledger`;
      return row!;
    });
    await expectAllWritten(sql, load);
    const twice =
      await sql`select event_id, count(*) from ledger.applied group by event_id having count(*) > 1`;
    expect([...twice]).toEqual([]);
    const applied = await sql<{ aggregate_id: string; type: string; object_id: string }[]>`
      select aggregate_id, type, object_id from ledger.applied order by place`;
    expect(await told(applied)).toEqual(story(load.tickets));
    await expectLogged(sql, load);
    await expectAudited(sql, rig.urlOf('auth'), token);
  });
});
