import { authService } from '@psa/auth/app';
import { entryOf } from '@psa/auth/audit/entry';
import { append } from '@psa/auth/audit/repository';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemClock } from '@psa/contracts/ports/clock';
import { migrate } from '@psa/infra/database/migrate';
import { provision } from '@psa/infra/database/provision';
import { systemIds } from '@psa/service-kit/ids';
import { ticketsService } from '@psa/tickets/app';
import type { TicketsDeps } from '@psa/tickets/deps';
import { SettingsCache } from '@psa/tickets/desk/settings';
import { openTicket } from '@psa/tickets/tickets/service';
import postgres from 'postgres';
import type { PlatformDatabase, SignedIn } from '../platform.ts';
import { record, type Statement } from '../recorder.ts';

/** The limit's own database on the same server, so that no relay picks up what it writes. */
const DATABASE = 'psa_bench';
/** What a ticket refers to, in the order of the foreign keys. */
const SETTINGS = ['calendars', 'sla_policies'] as const;
/** Tickets of the limit count from here, beyond those of the platform. */
const FIRST_NUMBER = 10_000_000;

/** The ticket that both sides create. */
export interface Order {
  readonly title: string;
  readonly description: string;
  readonly customer_id: string;
  readonly priority: 'high';
}

/** The next ticket of the tenant gets {@link FIRST_NUMBER}: one that stands nowhere else in what is recorded. */
const drawFrom = ({ admin }: PlatformDatabase, tenantId: string) =>
  admin.begin(async (sql) => {
    await sql`select set_config('psa.tenant_id', ${tenantId}, true)`;
    await sql`select tickets.draw_ticket_numbers(1)`;
    await sql`select setval(${`tickets.numbers_${tenantId.replaceAll('-', '')}`}::regclass, ${FIRST_NUMBER - 1})`;
  });

/** What creating a ticket inserts: ticket, timers, history, outbox as the service sends them, and the audit entry. */
async function inserts(platform: PlatformDatabase, { context }: SignedIn, order: Order) {
  const deps = {
    clock: systemClock,
    ids: systemIds,
    relay: { kick() {} },
    settings: new SettingsCache(),
  } as unknown as TicketsDeps;
  await drawFrom(platform, context.scope.tenant_id);
  let ticketId = '';
  const sent = await record(platform.roleUrl('tickets'), context.scope, async (tx) => {
    ticketId = (await openTicket(deps, tx, context, order)).id;
  });
  const statements = sent.filter(({ text }) => /insert into/i.test(text));
  const outbox = statements.find(({ text }) => text.includes('insert into outbox'))!;
  const [event] = JSON.parse(String(outbox.params[0])) as [EventEnvelope];
  const entry = entryOf(event, FIRST_NUMBER, new Date());
  const chained = [{ entry, prev_hash: 'a'.repeat(64), hash: 'b'.repeat(64) }];
  const audited = await record(platform.roleUrl('auth'), context.scope, (tx) =>
    append(tx, context.scope.tenant_id, chained),
  );
  const history = statements[0]!.params.find((param) => String(param).startsWith('[{"id"'));
  const [{ id: historyId }] = JSON.parse(String(history)) as [{ id: string }];
  return {
    statements: [...statements, ...audited.filter(({ text }) => /insert into/i.test(text))],
    ids: [ticketId, event.id, historyId],
  };
}

/**
 * The same inserts in one transaction as a script for pgbench: values written out, but ids and numbers made from
 * a counter. `set_config` gives row-level security what it reads, as the service does.
 */
export async function createScript(
  platform: PlatformDatabase,
  signedIn: SignedIn,
  order: Order,
): Promise<string> {
  const { statements, ids } = await inserts(platform, signedIn, order);
  const { scope } = signedIn.context;
  const settings = [
    ['psa.tenant_id', scope.tenant_id],
    ['psa.customer_id', scope.customer_id ?? ''],
    ['psa.user_id', scope.user_id ?? ''],
  ] as const;
  return [
    '\\set n :n + 1',
    '\\set k :client_id * 1000000 + :n',
    'begin;',
    `select ${settings.map(([name, set]) => `set_config('${name}', ${quote(set)}, true)`).join(', ')};`,
    ...statements.map((one) => `${inOneLine(one, ids)};`),
    'commit;',
    '',
  ].join('\n');
}

/** pgbench takes a colon and a word for a variable, in strings too (`:null` in JSON), so colons are written as codes. */
const quote = (text: string) => {
  const plain = `'${text.replaceAll("'", "''")}'`;
  return plain.includes(':') ? `U&${plain.replaceAll('\\', '\\\\').replaceAll(':', '\\003a')}` : plain;
};
const FRESH = /^\('0199000\d-/;
const fresh = (i: number) => `'0199000${i}-0000-7000-8000-' || lpad(:k::text, 12, '0')`;

function literal(param: unknown, ids: readonly string[]): string {
  if (param === null || param === undefined) return 'null';
  if (Array.isArray(param)) return `array[${param.map((one) => quote(String(one))).join(', ')}]`;
  const text = param instanceof Date ? param.toISOString() : String(param);
  if (text === String(FIRST_NUMBER)) return `(${FIRST_NUMBER} + :k)::integer`;
  const known = ids.indexOf(text);
  if (known !== -1) return `(${fresh(known)})`;
  let out = quote(text);
  ids.forEach((id, i) => {
    if (text.includes(id)) out = `replace(${out}, ${quote(id)}, ${fresh(i)})`;
  });
  const number = String(FIRST_NUMBER);
  if (text.includes(number)) out = `replace(${out}, '${number}', (${FIRST_NUMBER} + :k)::text)`;
  return out;
}

/** Parameters put in place. What stands for an id is an expression now and must say that it is a uuid. */
function inOneLine({ text, params }: Statement, ids: readonly string[]): string {
  return text
    .replaceAll(/\$(\d+)(::\w+(?:\[\])?)?/g, (_, n: string, cast: string | undefined) => {
      const sql = literal(params[Number(n) - 1], ids);
      if (FRESH.test(sql) && cast === undefined) return `${sql}::uuid`;
      return `${sql}${cast ?? ''}`;
    })
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/**
 * A database on the platform's server with the tables of tickets and auth, the settings that tickets refer to,
 * and a role for pgbench that row-level security holds. Returns its address.
 */
export async function limitDatabase(platform: PlatformDatabase): Promise<string> {
  await platform.admin.unsafe(`create database ${DATABASE}`);
  const url = new URL(platform.adminUrl);
  url.pathname = `/${DATABASE}`;
  const password = platform.rolePassword;
  const sql = postgres(url.href, { max: 2, onnotice: () => {} });
  try {
    await provision(
      sql,
      ['tickets', 'auth'].map((service) => ({ service, password })),
    );
    await migrate(sql, [
      { service: 'tickets', folder: ticketsService.migrations },
      { service: 'auth', folder: authService.migrations },
    ]);
    await sql.unsafe(`create role psa_pgbench login password '${password}' in role psa_tickets, psa_auth;
      alter role psa_pgbench set search_path = tickets, auth, psa, public`);
    for (const table of SETTINGS) {
      const [rows] = await platform.admin.unsafe<{ all: string }[]>(
        `select jsonb_agg(to_jsonb(s))::text as all from tickets.${table} s`,
      );
      await sql.unsafe(
        `insert into tickets.${table} select * from jsonb_populate_recordset(null::tickets.${table}, $1::text::jsonb)`,
        [rows!.all],
      );
    }
  } finally {
    await sql.end();
  }
  url.username = 'psa_pgbench';
  url.password = password;
  return url.href;
}
