import { FILE_RELATIONS } from '@psa/infra/files/postgres-file-store';
import { isIdle } from './decide.ts';
import { type PutBack, putBack } from './put-back.ts';
import { inTransaction, type Session } from './session.ts';
import { type Family, familyOf, literal, type Relation, type Shape, shapeOf } from './shape.ts';
import { type ReadDump, type Taken, takeRows } from './take.ts';

/** Where tickets stand; what belongs to one hangs on it by foreign keys. */
export const TICKETS = 'tickets.tickets';
/** Of the tickets' service (010_came_back.sql): puts right what follows, and tells the others. */
const CAME_BACK = 'tickets.came_back';

/** Which ticket is meant. */
export interface TicketWish {
  readonly number: number | null;
  readonly id: string | null;
  /** Numbers are each tenant's own. Null: of whichever tenant. */
  readonly tenant: string | null;
}

/** A ticket as a backup has it. */
export interface SeenTicket {
  readonly tenant_id: string;
  readonly id: string;
  readonly number: number;
  readonly title: string;
  /** It was deleted already. */
  readonly deleted: boolean;
}

/** What was taken out of a backup. */
export interface TakenTicket {
  /** More than one where several tenants have that number; none: it is not in it. */
  readonly seen: readonly SeenTicket[];
  readonly taken: readonly { readonly rows: Taken; readonly shape: Shape }[];
  readonly family: Family;
}

const COLUMNS = ['tenant_id', 'id', 'ticket_number', 'title', 'deleted_at'];

/** Takes a ticket with all that belongs to it: rows that hang on it, and the files that they name where the database has them. */
export async function takeTicket(
  session: Session,
  open: ReadDump,
  database: string,
  wish: TicketWish,
): Promise<TakenTicket> {
  const family = await familyOf(session, TICKETS);
  const shapes = new Map<string, Shape>();
  const learn = async (table: string) => {
    const shape = await shapeOf(session, table);
    if (shape) shapes.set(table, shape);
    return shape;
  };
  await learn(TICKETS);
  for (const { child } of family.inside) await learn(child);
  const files = (await learn(FILE_RELATIONS.files.table)) && (await learn(FILE_RELATIONS.chunks.table));
  const relations = [...family.inside, ...(files ? fileRelations([...shapes.values()]) : [])];
  const seen: SeenTicket[] = [];
  const fits = ([tenant_id, id, number, title, deleted_at]: readonly (string | null)[]) => {
    const isIt =
      (wish.id === null ? Number(number) === wish.number : id === wish.id) &&
      (wish.tenant === null || tenant_id === wish.tenant);
    if (isIt)
      seen.push({
        ...{ tenant_id: tenant_id!, id: id!, number: Number(number), title: title! },
        deleted: deleted_at !== null,
      });
    return isIt;
  };
  const which = { columns: COLUMNS, fits };
  const taken = await takeRows(open, { database, root: TICKETS, which, relations });
  return {
    seen,
    family,
    taken: taken.flatMap((rows) => {
      const shape = shapes.get(rows.table);
      return shape ? [{ rows, shape }] : [];
    }),
  };
}

/** The files that rows name, and what those are made of. */
export function fileRelations(shapes: readonly Shape[]): readonly Relation[] {
  const { column, files, chunks } = FILE_RELATIONS;
  const naming = shapes.filter(({ columns }) => columns.includes(column));
  if (naming.length === 0) return [];
  return [
    ...naming.map(({ table }) => ({
      ...{ child: files.table, columns: files.columns },
      ...{ parent: table, parentColumns: ['tenant_id', column] },
    })),
    { child: chunks.table, columns: chunks.columns, parent: files.table, parentColumns: chunks.columns },
  ];
}

/** Where a ticket stands now. */
export interface StandingTicket {
  readonly state: 'there' | 'deleted' | 'gone';
  /** Another ticket that has its number now. */
  readonly number_taken_by: string | null;
  /** The running release knows what to do with a ticket that comes back. */
  readonly is_known: boolean;
}

export async function standingTicket(
  session: Session,
  { tenant_id, id, number }: SeenTicket,
): Promise<StandingTicket> {
  const of = `from ${TICKETS} where tenant_id = ${literal(tenant_id)} and`;
  const [own] = await session.rows(`select deleted_at is not null ${of} id = ${literal(id)}`);
  const [other] = await session.rows(`select id ${of} ticket_number = ${number} and id <> ${literal(id)}`);
  const [known] = await session.rows(`select to_regproc(${literal(CAME_BACK)}) is not null`);
  return {
    state: !own ? 'gone' : own[0] === 't' ? 'deleted' : 'there',
    number_taken_by: other?.[0] ?? null,
    is_known: known![0] === 't',
  };
}

/** Somebody or something that the ticket names and that was deleted since. */
export interface GonePerson {
  readonly field: string;
  readonly id: string;
  readonly name: string;
  /** It comes back without it; false: it stays named. */
  readonly mended: boolean;
}

/**
 * Puts a ticket back, and leaves its service the note that it came.
 * @param keep false: only tries it, and says what would become of it
 * @param backup what its history names
 */
export async function putTicket(
  session: Session,
  { taken, family }: TakenTicket,
  ticket: SeenTicket,
  options: {
    readonly overwrite: boolean;
    readonly keep: boolean;
    readonly backup: string;
    readonly wasGone: boolean;
  },
): Promise<PutBack & { readonly gone: readonly GonePerson[] }> {
  const { overwrite, keep, backup, wasGone } = options;
  return inTransaction(session, keep, async () => {
    const wish = { taken, family, tenant: ticket.tenant_id, overwrite, onLost: 'refuse' as const };
    const put = await putBack(session, wish);
    await session.exec('set local role psa_tickets');
    const gone = await session.rows(
      `select field, id, name, mended from tickets.lost_references(${literal(ticket.id)})`,
    );
    const told = JSON.stringify({ backup, was_gone: wasGone });
    if (!isIdle(put.tables))
      await session.exec(
        `do $$ begin perform ${CAME_BACK}(${literal(ticket.id)}, ${literal(told)}::jsonb); end $$`,
      );
    await session.exec('reset role');
    return {
      ...put,
      gone: gone.map(([field, id, name, mended]) => ({
        ...{ field: field!, id: id!, name: name!, mended: mended === 't' },
      })),
    };
  });
}
