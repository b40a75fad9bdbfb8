import { RESTORED_TEXTS_BYTES } from '@psa/contracts/limits';
import { systemContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import type { EventData, NewEvent } from '@psa/service-kit/outbox';
import type { TimerHandler } from '@psa/service-kit/timers';
import type { TicketsDeps } from '../deps.ts';
import { slaOutcome } from '../sla/clock.ts';
import { findTicket, replaceTags, replaceTicketTimers } from '../tickets/repository.ts';
import { type TicketRow, ticketFacts } from '../tickets/row.ts';
import { decideAndSave, refreshClocks, ticketEvent } from '../tickets/service.ts';

/** What psactl tells with `tickets.came_back` (010_came_back.sql). */
interface Told {
  /** The backup that it is from, or the moment. */
  readonly backup?: string;
  /** Its row was not there any more: how far others have seen it go on nobody here knows. */
  readonly was_gone?: boolean;
}

type Text = EventData<'ticket.restored.v1'>['texts'][number];

/** More changes than a ticket has between a backup and its loss: its version stays ahead of what others have seen of it. */
const AHEAD = 1_000;

/**
 * Puts right what follows from the rows of a ticket that came back out of a backup: what it names and is gone, counters,
 * clocks with their timers, indexed tags; and tells the others, with all its texts, so that it is found by them again.
 */
export const cameBackHandlers = (deps: TicketsDeps): Record<string, TimerHandler> => ({
  came_back: async (tx, timer) => {
    const told = timer.payload as Told;
    const ctx = systemContext(timer.tenant_id, `timer:${timer.kind}:${timer.key}`);
    const found = await findTicket(tx, ctx, timer.key, true);
    // Deleted again since: its deletion has told everybody.
    if (!found) return;
    const ticket = told.was_gone ? { ...found, version: found.version + AHEAD } : found;
    const settings = await deps.settings.current(tx, ctx);
    const [lost, counts, texts] = await Promise.all([
      tx.sql<{ field: 'contact_id' | 'assigned_to' | 'customer_id'; mended: boolean }[]>`
        select field, mended from lost_references(${ticket.id})`,
      countsOf(tx, timer.tenant_id, ticket.id),
      textsOf(tx, timer.tenant_id, ticket.id),
    ]);
    const wanted = Object.fromEntries(
      lost.filter(({ mended }) => mended).map(({ field }) => [field, null] as const),
    );
    const next = await decideAndSave(deps, tx, ctx, ticket, wanted, {
      settings,
      moveAs: 'system',
      columns: counts,
      history: [{ kind: 'restored', reason: told.backup ?? null }],
      reason: 'assignee_gone',
      events: (row) => eventsOf(row, told.backup ?? null, texts),
    });
    const { row } = await refreshClocks(deps, tx, ctx, next, settings);
    await Promise.all([
      replaceTicketTimers(tx, timer.tenant_id, row.id, slaOutcome(settings, row, deps.clock.now()).timers),
      replaceTags(tx, ctx, row, row.tags),
    ]);
  },
});

async function countsOf(tx: Tx, tenantId: string, ticketId: string) {
  const [counts] = await tx.sql<
    Pick<TicketRow, 'comment_count' | 'public_comment_count' | 'minutes_spent'>[]
  >`
    select count(*)::int as comment_count,
      (count(*) filter (where visibility = 'public'))::int as public_comment_count,
      (select coalesce(sum(minutes), 0)::int from time_entries
        where tenant_id = ${tenantId} and ticket_id = ${ticketId} and deleted_at is null) as minutes_spent
    from comments where tenant_id = ${tenantId} and ticket_id = ${ticketId} and deleted_at is null`;
  return counts!;
}

/** What is found by: comments, and the names of files. Oldest first. */
async function textsOf(tx: Tx, tenantId: string, ticketId: string): Promise<readonly Text[]> {
  const rows = await tx.sql<Text[]>`
    select id, visibility, body, created_at as written_at from comments
    where tenant_id = ${tenantId} and ticket_id = ${ticketId} and deleted_at is null
    union all
    select id, visibility, file_name, created_at from attachments
    where tenant_id = ${tenantId} and ticket_id = ${ticketId} and deleted_at is null
    order by written_at, id`;
  return rows.map((row) => ({ ...row, written_at: toIso(row.written_at) }));
}

/** One event, and more where the texts are too many for it. What is not for customers stands in events of its own. */
function eventsOf(
  row: TicketRow,
  backup: string | null,
  texts: readonly Text[],
): NewEvent<'ticket.restored.v1'>[] {
  const [shown, internal] = ['public', 'internal'].map((of) =>
    inParts(texts.filter(({ visibility }) => visibility === of)),
  );
  const ticket = ticketFacts(row);
  const event = (part: Text[], isPublic: boolean) =>
    ticketEvent('ticket.restored.v1', row, { ticket, backup, texts: part }, isPublic);
  return [
    ...(shown!.length > 0 ? shown! : [[]]).map((part) => event(part, true)),
    ...internal!.map((part) => event(part, false)),
  ];
}

function inParts(texts: readonly Text[]): Text[][] {
  const parts: Text[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const text of texts) {
    const size = Buffer.byteLength(text.body);
    if (bytes + size > RESTORED_TEXTS_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(text);
    bytes += size;
  }
  return parts;
}
