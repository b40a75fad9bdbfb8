import { systemClock } from '@psa/contracts/ports/clock';
import type { TicketsDeps } from '@psa/tickets/deps';
import { SettingsCache } from '@psa/tickets/desk/settings';
import { listTickets } from '@psa/tickets/tickets/list';
import { startChild } from '../child.ts';
import type { LimitOrder } from '../limit-server.ts';
import { type Load, startLoad } from '../load.ts';
import type { LoadResult } from '../load-process.ts';
import { median, ms, perSecond, times } from '../measure.ts';
import { type BenchPlatform, type SignedIn, startPlatform } from '../platform.ts';
import { record, type Statement } from '../recorder.ts';
import type { Benchmark, Row, Say } from '../row.ts';
import { fillTickets } from '../tickets-data.ts';

const CONNECTIONS = 50;
const POOL = 10;
const ROUNDS = 5;
const SECONDS = 5;

/** Lists that a technician looks at all day; each connection asks them in turn. */
async function queries(platform: BenchPlatform, tenantId: string): Promise<string[]> {
  const [busy] = await platform.admin<{ customer_id: string; assigned_to: string }[]>`
    select customer_id, assigned_to from tickets.tickets
    where tenant_id = ${tenantId} and ticket_number > 1000000 and assigned_to is not null
      and status = 'in_progress' order by ticket_number desc limit 1`;
  return [
    'status=open&priority=high,critical',
    `assigned_to=${busy!.assigned_to}&status=open`,
    `customer_id=${busy!.customer_id}`,
    'status=waiting_customer&sort=updated_at&order=desc',
    'category=Netzwerk&status=open',
  ].map((query) => `/api/v1/tickets?${query}&limit=20`);
}

/** The statements that the service sends for a list, once it knows the desk's settings. */
async function statementsOf(platform: BenchPlatform, signedIn: SignedIn, path: string): Promise<Statement[]> {
  const query = Object.fromEntries(new URL(path, 'http://x').searchParams);
  const { context } = signedIn;
  const settings = new SettingsCache();
  const ask = () =>
    record(platform.roleUrl('tickets'), context.scope, (tx) => {
      const db = { read: (_scope: unknown, work: (one: typeof tx) => Promise<unknown>) => work(tx) };
      const deps = { db, clock: systemClock, settings } as unknown as TicketsDeps;
      return listTickets(deps, context, { ...query, limit: 20 } as never, path);
    });
  await ask();
  return ask();
}

interface Side {
  readonly platform: BenchPlatform;
  readonly signedIn: SignedIn;
  readonly paths: readonly string[];
}

async function prepare(tickets: number, customers: number): Promise<Side> {
  const platform = await startPlatform();
  const { claims } = await platform.signIn();
  await fillTickets(platform.admin, claims.tid, { tickets, customers });
  const signedIn = await platform.signIn();
  return { platform, signedIn, paths: await queries(platform, claims.tid) };
}

const throughGateway = (load: Load, { platform, signedIn, paths }: Side, seconds: number) =>
  load.fire({
    url: platform.url,
    connections: CONNECTIONS,
    seconds,
    requests: paths.map((path) => ({
      method: 'GET',
      path,
      headers: { authorization: `Bearer ${signedIn.token}` },
    })),
  });

async function run(say: Say): Promise<Row[]> {
  const began = performance.now();
  const small = await prepare(10_000, 1_000);
  const large = await prepare(1_000_000, 10_000);
  say(`1,000,000 tickets filled in after ${Math.round((performance.now() - began) / 1000)} s`);
  const load = await startLoad();
  const answers: Record<string, Statement[]> = {};
  for (const path of large.paths) answers[path] = await statementsOf(large.platform, large.signedIn, path);
  const input: LimitOrder = {
    url: large.platform.roleUrl('tickets'),
    connections: POOL,
    scope: large.signedIn.context.scope,
    answers,
  };
  const bare = await startChild<{ url: string }>('./limit-server.ts', { input });
  const throughBare = (seconds: number) =>
    load.fire({
      url: bare.ready.url,
      connections: CONNECTIONS,
      seconds,
      requests: large.paths.map((path) => ({ method: 'GET', path })),
    });
  try {
    for (const side of [large, small]) await throughGateway(load, side, 3);
    await throughBare(3);
    const measured = { limit: [] as LoadResult[], large: [] as LoadResult[], small: [] as LoadResult[] };
    for (let round = 0; round < ROUNDS; round++) {
      measured.limit.push(await throughBare(SECONDS));
      measured.large.push(await throughGateway(load, large, SECONDS));
      measured.small.push(await throughGateway(load, small, SECONDS));
      const line = Object.entries(measured).map(
        ([name, results]) => `${name} ${perSecond(results.at(-1)!.perSecond)} p95 ${ms(results.at(-1)!.p95)}`,
      );
      say(`round ${round + 1}: ${line.join(', ')}`);
    }
    const rate = (results: LoadResult[]) => median(results.map((one) => one.perSecond));
    const p95 = (results: LoadResult[]) => median(results.map((one) => one.p95));
    const ratio = median(measured.large.map((one, i) => one.perSecond / measured.limit[i]!.perSecond));
    const growth = median(measured.large.map((one, i) => one.p95 / measured.small[i]!.p95));
    return [
      {
        what: 'list tickets, filtered, 20 rows, 1,000,000 tickets, 50 connections, through the gateway',
        ours: perSecond(rate(measured.large)),
        limit: `${perSecond(rate(measured.limit))} (bare \`node:http\`, same SQL)`,
        ratio: times(ratio),
        target: '≥ 0.8',
        met: ratio >= 0.8,
      },
      {
        what: 'the same: p95 at 1,000,000 tickets',
        ours: ms(p95(measured.large)),
        limit: `${ms(p95(measured.small))} (at 10,000 tickets)`,
        ratio: times(growth),
        target: '≤ 1.15',
        met: growth <= 1.15,
      },
    ];
  } finally {
    await Promise.all([load.stop(), bare.stop()]);
    await Promise.all([small.platform.stop(), large.platform.stop()]);
  }
}

export const list: Benchmark = {
  name: 'list',
  method:
    'Five lists in turn (open of high priority, one technician, one customer, waiting by last change, one category), each with its count. The limit: `node:http` in a process of its own that runs the very statements of the service, recorded, with the settings of row-level security, over as many connections. autocannon in a third process. Five rounds of limit, ours, ours on a second platform with 10,000 tickets; medians.',
  run,
};
