import { CSV_DELIMITERS } from '@psa/contracts/csv';
import type { ExportTicketsQuery } from '@psa/contracts/tickets';
import { timeZoneOf } from '@psa/contracts/time-zones';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { csvLine } from '@psa/service-kit/csv-cells';
import { invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { settingsRevision } from '../desk/settings.ts';
import { allOf, filters, oneCustomer } from '../tickets/filters.ts';
import { addIncludes } from '../tickets/includes.ts';
import { findMatches, matchingTickets } from '../tickets/matches.ts';
import { type TicketRow, ticketColumns } from '../tickets/row.ts';
import { ticketView } from '../tickets/view.ts';
import { COLUMNS, writing } from './columns.ts';

const BATCH = 500;
const BOM = '\uFEFF';
const NAMES = new Set(['customer', 'assignee', 'requester', 'contact', 'team']);

type Query = Static<typeof ExportTicketsQuery>;

/**
 * What the list with these filters has, as CSV: checked and, where it searches, found at once, so that what is wrong is
 * an answer and no broken file; then a batch per transaction in the order of the numbers, the cursor being the last
 * number sent. A reader that is slow, or stops, holds neither a connection nor a snapshot, and a million tickets take
 * no more memory than one batch.
 * @throws 400 naming the field
 */
export async function exportTickets(
  deps: TicketsDeps,
  ctx: RequestContext,
  query: Query,
): Promise<AsyncGenerator<string>> {
  const zone = timeZoneOf(query.time_zone ?? 'UTC');
  if (zone === null)
    throw invalid({
      field: 'time_zone',
      code: 'unknown_value',
      message: 'is no time zone of the IANA database',
    });
  const now = deps.clock.now();
  const text = query.search?.trim();
  const found = text
    ? await findMatches(deps, ctx, text, oneCustomer(query), (tx) => filters(tx, ctx, query, now))
    : null;
  return lines();

  async function* lines(): AsyncGenerator<string> {
    const language = query.language ?? 'de';
    const delimiter = CSV_DELIMITERS[query.delimiter ?? 'semicolon'];
    const columns = COLUMNS.filter(({ staffOnly }) => !(staffOnly && isPortal(ctx)));
    const write = writing(language, zone!);
    // The mark tells Excel that this is UTF-8.
    yield BOM +
      csvLine(
        columns.map(({ heading }) => heading[language]),
        delimiter,
      );
    for (let after = 0; ; ) {
      const tickets = await deps.db.read(ctx.scope, async (tx) => {
        const { sql } = tx;
        const from = found ? matchingTickets(tx, found) : sql`tickets t`;
        const where = allOf(tx, filters(tx, ctx, query, now));
        const rows = await sql<TicketRow[]>`
          select ${sql.unsafe(ticketColumns(['description']))} from ${from}
          where ${where} and t.ticket_number > ${after} order by t.ticket_number limit ${sql.unsafe(String(BATCH))}`;
        const settings = await deps.settings.at(tx, ctx, await settingsRevision(tx, ctx.scope.tenant_id));
        const views = rows.map((row) => ticketView(ctx, settings, row, now));
        await addIncludes(tx, ctx, views, NAMES);
        return views;
      });
      if (tickets.length > 0) {
        yield tickets
          .map((ticket) =>
            csvLine(
              columns.map(({ cell }) => cell(ticket, write)),
              delimiter,
            ),
          )
          .join('');
      }
      if (tickets.length < BATCH) return;
      after = tickets.at(-1)!.ticket_number;
    }
  }
}

/** Notes in the audit trail that tickets are about to leave the platform; committed before the first byte. */
export async function auditExport(deps: TicketsDeps, ctx: RequestContext, query: Query): Promise<void> {
  const { delimiter: _, language: __, time_zone: ___, ...filters } = query;
  await deps.db.tx(ctx.scope, (tx) =>
    emit(deps, tx, ctx, [
      {
        type: 'audit.recorded.v1',
        aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
        public: false,
        data: { action: 'tickets.exported', detail: { format: 'csv', filters } },
      },
    ]),
  );
}
