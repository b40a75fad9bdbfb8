import { FILE_RELATIONS } from '@psa/infra/files/postgres-file-store';
import type { Session } from './session.ts';
import { shapeOf } from './shape.ts';
import { type ReadDump, type Taken, takeRows } from './take.ts';
import { valuesOf } from './taken-files.ts';
import { fileRelations, type TakenTicket } from './ticket.ts';

/** Files of tickets. */
const ATTACHMENTS = 'tickets.attachments';

/** A file of a ticket, as a backup has it. */
export interface SeenAttachment {
  readonly id: string;
  readonly tenant_id: string;
  readonly ticket_id: string;
  readonly name: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What was found, and where its bytes are when the database has them. */
export interface TakenAttachments {
  readonly seen: readonly SeenAttachment[];
  readonly taken: readonly Taken[];
}

const COLUMNS = ['id', 'tenant_id', 'ticket_id', 'file_name', FILE_RELATIONS.column, 'size', 'sha256'];

/** Takes one file by its id, without its ticket. */
export async function takeAttachment(
  session: Session,
  open: ReadDump,
  database: string,
  id: string,
): Promise<TakenAttachments> {
  const shapes = [await shapeOf(session, ATTACHMENTS), await shapeOf(session, FILE_RELATIONS.files.table)];
  const relations = shapes[0] && shapes[1] ? fileRelations([shapes[0]]) : [];
  const which = { columns: ['id'], fits: ([one]: readonly (string | null)[]) => one === id };
  const taken = await takeRows(open, { database, root: ATTACHMENTS, which, relations });
  return { seen: await seenIn(taken), taken };
}

/** The files of a ticket that was taken, by id or name; several have the same name where it was attached again. */
export async function attachmentsOf(ticket: TakenTicket, name: string): Promise<TakenAttachments> {
  const taken = ticket.taken.map(({ rows }) => rows);
  const seen = await seenIn(taken);
  return { seen: seen.filter((one) => one.id === name || one.name === name), taken };
}

async function seenIn(taken: readonly Taken[]): Promise<readonly SeenAttachment[]> {
  const rows = taken.find(({ table }) => table === ATTACHMENTS);
  if (!rows) return [];
  return (await valuesOf(rows, COLUMNS)).map(([id, tenant_id, ticket_id, name, key, size, sha256]) => ({
    ...{ id: id!, tenant_id: tenant_id!, ticket_id: ticket_id!, name: name!, key: key! },
    ...{ size: Number(size), sha256: sha256! },
  }));
}

/** Its bytes, from the rows that were taken; null: the backup's database does not have them. */
export async function bytesOf(
  { taken }: TakenAttachments,
  { tenant_id, key }: SeenAttachment,
): Promise<AsyncIterable<Uint8Array> | null> {
  const [files, chunks] = [FILE_RELATIONS.files.table, FILE_RELATIONS.chunks.table].map((table) =>
    taken.find((one) => one.table === table),
  );
  if (!files || !chunks) return null;
  const found = (await valuesOf(files, ['tenant_id', 'key', 'upload'])).find(
    ([tenant, one]) => tenant === tenant_id && one === key,
  );
  if (!found) return null;
  const pieces = (await valuesOf(chunks, ['tenant_id', 'upload', 'number', 'data']))
    .filter(([tenant, upload]) => tenant === tenant_id && upload === found[2])
    .toSorted((a, b) => Number(a[2]) - Number(b[2]));
  return (async function* () {
    // As PostgreSQL writes bytes: \x and two digits for each.
    for (const [, , , data] of pieces) yield Buffer.from(data!.slice(2), 'hex');
  })();
}
