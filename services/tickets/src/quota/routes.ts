import { One } from '@psa/contracts/common';
import { AttachmentQuota, AttachmentQuotaQuery, UpdateAttachmentQuotaRequest } from '@psa/contracts/desk';
import { type App, contextOf } from '@psa/service-kit/app';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import type { TicketsDeps } from '../deps.ts';
import { attachmentQuota, setLimits } from './service.ts';

const path = '/api/v1/attachment-quota';
const tags = ['desk'];

/** How much room attachments take and may take: a setting of the desk. */
export function quotaRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;
  app.get(
    path,
    {
      config: { permission: 'desk:view' },
      schema: {
        summary: 'Room that attachments take and may take, of the desk and of one customer',
        operationId: 'getAttachmentQuota',
        tags,
        querystring: AttachmentQuotaQuery,
        response: { 200: One(AttachmentQuota) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const { customer_id } = request.query;
      const data = await db.read(ctx.scope, (tx) => attachmentQuota(tx, ctx, customer_id ?? null));
      reply.header('etag', etag(data.version));
      return { data };
    },
  );

  app.patch(
    path,
    {
      config: { permission: 'desk:manage' },
      schema: {
        summary: 'Set how much room attachments may take, of the desk and of each customer',
        operationId: 'updateAttachmentQuota',
        tags,
        body: UpdateAttachmentQuotaRequest,
        response: { 200: One(AttachmentQuota) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        await setLimits(tx, ctx, request.body, (version) => checkIfMatch(request, version));
        const data = await attachmentQuota(tx, ctx, null);
        return { status: 200, body: { data }, headers: { etag: etag(data.version) } };
      }),
  );
}
