import { Readable } from 'node:stream';
import { MAX_ATTACHMENT_BYTES } from '@psa/contracts/limits';
import { FileTooLarge, type StoredFile } from '@psa/contracts/ports/file-store';
import { sizeText } from '@psa/contracts/sizes';
import type { Attachment } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { AppError, invalid, notFound } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { clearTimers, setTimer, type TimerHandler } from '@psa/service-kit/timers';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { NO_SETTINGS } from '../desk/settings.ts';
import { historyRows, insertHistory } from '../history/repository.ts';
import { checkMayAttach, checkMayRemoveFile } from '../policies/attachment.ts';
import { checkQuota } from '../quota/service.ts';
import { loadTicket } from '../tickets/repository.ts';
import { ticketFacts } from '../tickets/row.ts';
import { decideAndSave, ticketEvent } from '../tickets/service.ts';
import { safeFileName } from './names.ts';
import { CLEANUP, removeFiles } from './repository.ts';
import { SNIFF_BYTES, sniff } from './sniff.ts';

type View = Static<typeof Attachment>;

export interface AttachmentRow {
  id: string;
  ticket_id: string;
  comment_id: string | null;
  file_name: string;
  content_type: string;
  size: string | number;
  sha256: string;
  visibility: 'public' | 'internal';
  uploaded_by: string | null;
  uploaded_by_name: string;
  file_key: string;
  created_at: string;
}

export const attachmentView = (row: AttachmentRow): View => ({
  id: row.id,
  ticket_id: row.ticket_id,
  comment_id: row.comment_id,
  file_name: row.file_name,
  content_type: row.content_type,
  size: Number(row.size),
  sha256: row.sha256,
  visibility: row.visibility,
  uploaded_by: { id: row.uploaded_by, name: row.uploaded_by_name },
  created_at: toIso(row.created_at),
});

/** A file that is stored and belongs to nothing yet. */
export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly contentType: string;
  readonly stored: StoredFile;
}

/** Longer than any upload takes. */
const CLEANUP_AFTER_MS = 6 * 3_600_000;

/**
 * Stores a stream under a new key, its type decided on the way. A timer is set before the first byte, so that
 * a file whose upload was cut short by a crash is removed too.
 * @throws 400 empty, 413 too large, 415 a program
 */
export async function storeUpload(
  deps: ServiceDeps,
  ctx: RequestContext,
  content: AsyncIterable<Uint8Array>,
  claimedName: string | undefined,
): Promise<Upload> {
  const name = safeFileName(claimedName);
  const key = deps.ids.uuid();
  const { head, rest } = await peek(content);
  if (head.length === 0) throw invalid({ field: 'file', code: 'empty', message: 'is empty' });
  const sniffed = await sniff(head, name);
  if (!sniffed.ok) {
    throw new AppError(415, 'UNSUPPORTED_MEDIA_TYPE', 'This kind of file is not taken.', {
      details: [{ field: 'file', code: 'unknown_value', message: sniffed.reason }],
    });
  }
  const tenantId = ctx.scope.tenant_id;
  await deps.db.tx(ctx.scope, (tx) =>
    setTimer(tx, {
      tenant_id: tenantId,
      kind: CLEANUP,
      key,
      due_at: new Date(deps.clock.now().getTime() + CLEANUP_AFTER_MS),
      payload: {},
    }),
  );
  try {
    const stored = await deps.files.put(
      tenantId,
      key,
      Readable.from(rest, { objectMode: false }),
      MAX_ATTACHMENT_BYTES,
    );
    return { key, name, contentType: sniffed.contentType, stored };
  } catch (error) {
    await discardUpload(deps, ctx, key);
    if (error instanceof FileTooLarge) throw tooLarge(error);
    throw error;
  }
}

export const tooLarge = (cause?: unknown) =>
  new AppError(413, 'PAYLOAD_TOO_LARGE', `A file may have ${sizeText(MAX_ATTACHMENT_BYTES)} at most.`, {
    details: [
      { field: 'file', code: 'too_large', message: `is larger than ${sizeText(MAX_ATTACHMENT_BYTES)}` },
    ],
    cause,
  });

/** Removes a stored file that came to nothing, and its timer. */
export async function discardUpload(deps: ServiceDeps, ctx: RequestContext, key: string): Promise<void> {
  await deps.files.delete(ctx.scope.tenant_id, key);
  await deps.db.tx(ctx.scope, (tx) => clearTimers(tx, ctx.scope.tenant_id, [CLEANUP], key));
}

/** Removes files that no attachment came to refer to. */
export const cleanupHandlers = (deps: ServiceDeps): Record<string, TimerHandler> => ({
  [CLEANUP]: async (tx, timer) => {
    const used = await tx.sql`
      select 1 from attachments where tenant_id = ${timer.tenant_id} and file_key = ${timer.key} and deleted_at is null`;
    if (used.length === 0) await deps.files.delete(timer.tenant_id, timer.key);
  },
});

/** The first bytes, and the whole content again from the start. */
async function peek(content: AsyncIterable<Uint8Array>) {
  const source = content[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < SNIFF_BYTES) {
    const next = await source.next();
    if (next.done) break;
    chunks.push(next.value);
    size += next.value.length;
  }
  async function* rest() {
    yield* chunks;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  }
  return { head: Buffer.concat(chunks).subarray(0, SNIFF_BYTES), rest: rest() };
}

export interface UploadFields {
  readonly visibility: 'public' | 'internal';
  readonly comment_id: string | null;
}

/** Attaches a stored file to a ticket, or to one of its comments. */
export async function attach(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  upload: Upload,
  fields: UploadFields,
  check: (version: number) => void,
): Promise<View> {
  const ticket = await loadTicket(tx, ctx, ticketId, true);
  check(ticket.version);
  checkMayAttach(ctx, fields.visibility);
  const tenantId = ctx.scope.tenant_id;
  if (fields.comment_id !== null) {
    const [comment] = await tx.sql<{ visibility: string }[]>`
      select visibility from comments
      where tenant_id = ${tenantId} and id = ${fields.comment_id} and ticket_id = ${ticketId} and deleted_at is null`;
    if (!comment)
      throw invalid({
        field: 'comment_id',
        code: 'not_found',
        message: 'there is no such comment of this ticket',
      });
    checkMayAttach(ctx, fields.visibility, comment);
  }
  const at = deps.clock.now();
  const now = at.toISOString();
  const row: AttachmentRow = {
    id: deps.ids.uuid(),
    ticket_id: ticketId,
    comment_id: fields.comment_id,
    file_name: upload.name,
    content_type: upload.contentType,
    size: upload.stored.size,
    sha256: upload.stored.sha256,
    visibility: fields.visibility,
    uploaded_by: ctx.actor.id,
    uploaded_by_name: ctx.actor.name ?? ctx.actor.email ?? '',
    file_key: upload.key,
    created_at: now,
  };
  const isPublic = fields.visibility === 'public';
  const data = {
    ticket: ticketFacts(ticket),
    attachment_id: row.id,
    file_name: row.file_name,
    size: upload.stored.size,
    visibility: row.visibility,
  };
  const history = {
    kind: 'attached',
    changes: [{ field: 'file', from: null, to: row.file_name }],
    about: fields.visibility,
  };
  await Promise.all([
    tx.sql`
      insert into attachments (tenant_id, id, ticket_id, comment_id, customer_id, visibility, file_name, content_type,
        size, sha256, file_key, uploaded_by, uploaded_by_name, created_at, updated_at)
      values (${tenantId}, ${row.id}, ${ticketId}, ${row.comment_id}, ${ticket.customer_id}, ${row.visibility},
        ${row.file_name}, ${row.content_type}, ${row.size}, ${row.sha256}, ${row.file_key}, ${row.uploaded_by},
        ${row.uploaded_by_name}, ${now}, ${now})`,
    insertHistory(tx, ctx, ticket, historyRows(ctx, [history], deps.ids, now)),
    clearTimers(tx, tenantId, [CLEANUP], upload.key),
    emit(deps, tx, ctx, [ticketEvent('ticket.attached.v1', ticket, data, isPublic)], at),
  ]);
  await checkQuota(tx, ctx, ticket.customer_id, 0);
  return attachmentView(row);
}

/** Removes a file from its ticket; the history keeps its name, and its bytes are free. */
export async function detach(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ids: { ticket: string; attachment: string },
  check: (version: number) => void,
): Promise<void> {
  const ticket = await loadTicket(tx, ctx, ids.ticket, true);
  check(ticket.version);
  const [row] = await tx.sql<Pick<AttachmentRow, 'file_name' | 'visibility' | 'uploaded_by'>[]>`
    select file_name, visibility, uploaded_by from attachments
    where tenant_id = ${ctx.scope.tenant_id} and id = ${ids.attachment} and ticket_id = ${ids.ticket} and deleted_at is null`;
  if (!row) throw notFound('attachment');
  checkMayRemoveFile(ctx, row.uploaded_by);
  await removeFiles(tx, ctx, ids.ticket, deps.clock.now().toISOString(), ids.attachment);
  const isPublic = row.visibility === 'public';
  const changes = [{ field: 'file', from: row.file_name, to: null }];
  await decideAndSave(
    deps,
    tx,
    ctx,
    ticket,
    {},
    {
      settings: NO_SETTINGS,
      history: [{ kind: 'changed', changes, about: row.visibility }],
      events: (next) => [
        ticketEvent(
          'ticket.detached.v1',
          next,
          {
            ticket: ticketFacts(next),
            attachment_id: ids.attachment,
            file_name: row.file_name,
            visibility: row.visibility,
          },
          isPublic,
        ),
      ],
    },
  );
}
