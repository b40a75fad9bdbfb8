import multipart from '@fastify/multipart';
import { shownAs } from '@psa/contracts/attachment-rules';
import { Closed, type ErrorDetail, IdParams, listQuery, Many, One, Uuid } from '@psa/contracts/common';
import { FORM_OVERHEAD_BYTES, MAX_ATTACHMENT_BYTES } from '@psa/contracts/limits';
import { Attachment } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { savedAs, shownUnder } from '@psa/service-kit/content-disposition';
import type { Tx } from '@psa/service-kit/database';
import { AppError, invalid, notFound } from '@psa/service-kit/errors';
import type { ListSpec } from '@psa/service-kit/list';
import { checkIfMatch, write } from '@psa/service-kit/write';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { checkQuota } from '../quota/service.ts';
import { loadTicket } from '../tickets/repository.ts';
import { listUnderTicket } from '../tickets/under-ticket.ts';
import {
  type AttachmentRow,
  attach,
  attachmentView,
  detach,
  discardUpload,
  storeUpload,
  tooLarge,
  type Upload,
  type UploadFields,
} from './service.ts';

const tags = ['tickets'];
const SPEC: ListSpec = {
  sortable: {
    created_at: { sql: 'a.created_at', type: 'timestamptz' },
    file_name: { sql: 'a.file_name', type: 'text' },
  },
  defaultSort: [['created_at', 'asc']],
  fields: Object.keys(Attachment.properties),
  id: { sql: 'a.id', type: 'uuid' },
};
/**
 * Policies of what is shown in place. The viewer for PDFs that browsers have does not start inside a sandbox; it runs apart
 * from the page, and `nosniff` with a type that we found ourselves keeps anything else from being shown under this one.
 */
const SHOWN = {
  picture: "sandbox; default-src 'none'; frame-ancestors 'self'",
  pdf: "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'",
};
const COLUMNS = `a.id, a.ticket_id, a.comment_id, a.file_name, a.content_type, a.size, a.sha256, a.visibility,
  a.uploaded_by, a.uploaded_by_name, a.file_key, a.created_at`;

export async function attachmentRoutes(app: App, deps: TicketsDeps): Promise<void> {
  const { db } = deps;
  await app.register(multipart, {
    limits: {
      files: 1,
      fields: 5,
      parts: 6,
      fieldSize: 1000,
      fieldNameSize: 100,
      headerPairs: 50,
      // The store itself stops at the limit; this one is a net below it.
      fileSize: MAX_ATTACHMENT_BYTES + FORM_OVERHEAD_BYTES,
    },
    throwFileSizeLimit: true,
  });

  app.get(
    '/api/v1/tickets/:id/attachments',
    {
      config: { permission: 'ticket:view:own', list: SPEC },
      schema: {
        summary: 'Files of a ticket',
        operationId: 'listTicketAttachments',
        tags,
        params: IdParams,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(Attachment)) },
      },
    },
    listUnderTicket(deps, {
      spec: SPEC,
      table: 'attachments a',
      columns: COLUMNS,
      deletable: true,
      view: attachmentView,
    }),
  );

  app.post(
    '/api/v1/tickets/:id/attachments',
    {
      config: { permission: 'ticket:comment' },
      schema: {
        summary: 'Attach a file: multipart/form-data with the part `file`, and `visibility`, `comment_id`',
        operationId: 'createTicketAttachment',
        tags,
        consumes: ['multipart/form-data'],
        params: IdParams,
        response: { 201: One(Attachment) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      if (!request.isMultipart()) {
        throw new AppError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the file as multipart/form-data.', {
          details: [{ field: 'content-type', code: 'wrong_form', message: 'must be multipart/form-data' }],
        });
      }
      // Before the first byte is stored: whoever may not see the ticket, or has no room, stores nothing.
      const least = Math.max(1, Number(request.headers['content-length'] ?? 0) - FORM_OVERHEAD_BYTES);
      const before = await db.read(ctx.scope, async (tx) => {
        const ticket = await loadTicket(tx, ctx, request.params.id);
        await checkQuota(tx, ctx, ticket.customer_id, Math.min(least, MAX_ATTACHMENT_BYTES));
        return ticket;
      });
      checkIfMatch(request, before.version);
      const { upload, fields } = await receive(request);
      let used = false;
      try {
        const work = async (tx: Tx) => {
          const data = await attach(deps, tx, ctx, request.params.id, upload, fields, (version) =>
            checkIfMatch(request, version),
          );
          used = true;
          return { status: 201, body: { data } };
        };
        // The form is no parsed body: without this, another file under the same Idempotency-Key would count as
        // the first one, and be lost behind a 201.
        await write(db, request, reply, work, {
          ...fields,
          file_name: upload.name,
          sha256: upload.stored.sha256,
        });
        // A repeated request under the same Idempotency-Key got the first answer: its file is not needed.
        if (!used) await discardUpload(deps, ctx, upload.key);
      } catch (error) {
        // Once the row is written the answer may be lost but not the file. If the commit failed after that,
        // the clean-up timer is still set and sees to it.
        if (!used) await discardUpload(deps, ctx, upload.key);
        throw error;
      }
      return reply;
    },
  );

  app.get(
    '/api/v1/tickets/:id/attachments/:attachment_id/content',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Download a file',
        operationId: 'downloadTicketAttachment',
        tags,
        params: Type.Object({ id: Uuid, attachment_id: Uuid }, { additionalProperties: false }),
        querystring: Closed({
          in_place: Type.Optional(
            Type.Boolean({ description: 'true: pictures and PDFs are shown instead of saved' }),
          ),
        }),
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const { id, attachment_id } = request.params;
      const row = await db.read(ctx.scope, async (tx) => {
        await loadTicket(tx, ctx, id);
        const [found] = await tx.sql<AttachmentRow[]>`
          select ${tx.sql.unsafe(COLUMNS)} from attachments a
          where a.tenant_id = ${ctx.scope.tenant_id} and a.id = ${attachment_id} and a.ticket_id = ${id} and a.deleted_at is null`;
        return found;
      });
      if (!row) throw notFound('attachment');
      const kind = request.query.in_place ? shownAs(row.content_type) : null;
      reply
        .header('content-type', row.content_type)
        .header('content-disposition', kind ? shownUnder(row.file_name) : savedAs(row.file_name))
        .header('x-content-type-options', 'nosniff')
        .header('x-frame-options', kind ? 'SAMEORIGIN' : 'DENY')
        .header('content-security-policy', kind ? SHOWN[kind] : "sandbox; default-src 'none'")
        .header('cross-origin-resource-policy', 'same-origin')
        .header('cache-control', 'private, max-age=3600')
        .header('etag', `"${row.sha256}"`);
      if (request.headers['if-none-match'] === `"${row.sha256}"`) return reply.code(304).send();
      const content = await deps.files.get(ctx.scope.tenant_id, row.file_key);
      if (!content) throw notFound('attachment');
      return reply.header('content-length', String(row.size)).send(content);
    },
  );

  app.delete(
    '/api/v1/tickets/:id/attachments/:attachment_id',
    {
      config: { permission: 'ticket:comment' },
      schema: {
        summary: 'Remove a file: one’s own, or with `ticket:delete` anybody’s. If-Match is of the ticket',
        operationId: 'deleteTicketAttachment',
        tags,
        params: Type.Object({ id: Uuid, attachment_id: Uuid }, { additionalProperties: false }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const { id, attachment_id } = request.params;
        await detach(deps, tx, ctx, { ticket: id, attachment: attachment_id }, (version) =>
          checkIfMatch(request, version),
        );
        return { status: 204 };
      }),
  );

  /**
   * Reads the form. Of its two names a file is called by `filename`, as RFC 7578 §4.2 has it, which forbids `filename*`
   * in forms. The parser decodes an extended name where it stands alone or behind an unquoted field name (the form that
   * .NET sends); beside a quoted one it takes the plain name (busboy's `parseFormDataDisposition`) and shows neither
   * header nor parameters. Taking it earlier would be a second parser of the same bytes before this one.
   */
  async function receive(request: FastifyRequest): Promise<{ upload: Upload; fields: UploadFields }> {
    const ctx = contextOf(request);
    const given: Record<string, string> = {};
    let upload: Upload | null = null;
    try {
      for await (const part of request.parts()) {
        if (part.type === 'file') {
          if (part.fieldname !== 'file')
            throw invalid({ field: part.fieldname, code: 'unknown_field', message: 'is not a known field' });
          upload = await storeUpload(deps, ctx, part.file, part.filename);
        } else given[part.fieldname] = String(part.value);
      }
      if (!upload) throw invalid({ field: 'file', code: 'required', message: 'is required' });
      return { upload, fields: fieldsOf(given) };
    } catch (error) {
      if (upload) await discardUpload(deps, ctx, upload.key);
      const code = (error as { code?: string }).code ?? '';
      if (code === 'FST_REQ_FILE_TOO_LARGE') throw tooLarge(error);
      if (
        code.startsWith('FST_') ||
        /multipart|premature|aborted|terminated|Unexpected end/i.test(String(error))
      ) {
        if (error instanceof AppError) throw error;
        throw new AppError(400, 'INVALID_INPUT', 'The form could not be read.', {
          details: [
            { field: 'body', code: 'wrong_form', message: 'must be multipart/form-data with one file' },
          ],
          cause: error,
        });
      }
      throw error;
    }
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function fieldsOf(given: Readonly<Record<string, string>>): UploadFields {
  const { visibility = 'public', comment_id = '', ...unknown } = given;
  const problems = Object.keys(unknown).map(
    (field): ErrorDetail => ({ field, code: 'unknown_field', message: 'is not a known field' }),
  );
  if (visibility !== 'public' && visibility !== 'internal') {
    problems.push({
      field: 'visibility',
      code: 'unknown_value',
      message: 'must be one of: public, internal',
    });
  }
  if (comment_id !== '' && !UUID.test(comment_id)) {
    problems.push({ field: 'comment_id', code: 'wrong_form', message: 'must be a valid uuid' });
  }
  if (problems.length > 0) throw invalid(...problems);
  return {
    visibility: visibility as UploadFields['visibility'],
    comment_id: comment_id === '' ? null : comment_id,
  };
}
