import { Closed, IdParams, listQuery, Many } from '@psa/contracts/common';
import { HistoryEntry } from '@psa/contracts/tickets';
import type { App } from '@psa/service-kit/app';
import { toIso } from '@psa/service-kit/database';
import type { ListSpec } from '@psa/service-kit/list';
import Type, { type Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { listUnderTicket } from '../tickets/under-ticket.ts';

const SPEC: ListSpec = {
  sortable: { occurred_at: { sql: 'h.occurred_at', type: 'timestamptz' } },
  defaultSort: [['occurred_at', 'asc']],
  fields: Object.keys(HistoryEntry.properties),
  id: { sql: 'h.seq', type: 'bigint' },
};
interface HistoryRow extends Record<string, unknown> {
  id: string;
  occurred_at: string;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  kind: string;
  changes: Static<typeof HistoryEntry>['changes'];
  reason: string | null;
}
const historyView = (row: HistoryRow) => ({
  id: row.id,
  occurred_at: toIso(row.occurred_at),
  actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
  kind: row.kind,
  changes: row.changes,
  reason: row.reason,
});
/** What happened to a ticket. */
export function historyRoutes(app: App, deps: TicketsDeps): void {
  app.get(
    '/api/v1/tickets/:id/history',
    {
      config: { permission: 'ticket:view:own', list: SPEC },
      schema: {
        summary: 'What happened to a ticket, oldest first',
        operationId: 'listTicketHistory',
        tags: ['tickets'],
        params: IdParams,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(HistoryEntry)) },
      },
    },
    listUnderTicket(deps, {
      spec: SPEC,
      table: 'history h',
      columns: 'h.id, h.occurred_at, h.actor_kind, h.actor_id, h.actor_name, h.kind, h.changes, h.reason',
      deletable: false,
      view: historyView,
    }),
  );
}
