import type { AttachmentQuota } from '@psa/contracts/desk';
import { ATTACHMENT_QUOTA_BYTES } from '@psa/contracts/limits';
import { sizeText } from '@psa/contracts/sizes';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import type { Static } from 'typebox';

type View = Static<typeof AttachmentQuota>;

/** What attachments take and may take, in bytes; `customer` null without one to ask for. */
export async function attachmentQuota(tx: Tx, ctx: RequestContext, customerId: string | null): Promise<View> {
  const tenantId = ctx.scope.tenant_id;
  const [row] = await tx.sql<Record<'used' | 'customer_used' | 'tenant' | 'customer' | 'version', string>[]>`
    select coalesce(max(u.bytes) filter (where u.customer_id is null), 0) as used,
      coalesce(max(u.bytes) filter (where u.customer_id is not null), 0) as customer_used,
      coalesce(max(d.attachment_limit), ${ATTACHMENT_QUOTA_BYTES.tenant}) as tenant,
      coalesce(max(d.customer_attachment_limit), ${ATTACHMENT_QUOTA_BYTES.customer}) as customer,
      coalesce(max(d.attachment_limits_version), 1) as version
    from (select ${tenantId}::uuid as tenant_id) as t
    left join desks d on d.tenant_id = t.tenant_id
    left join attachment_usage u on u.tenant_id = t.tenant_id
      and (u.customer_id is null or u.customer_id = ${customerId}::uuid)`;
  const limit = Number(row!.customer);
  return {
    used_bytes: Number(row!.used),
    limit_bytes: Number(row!.tenant),
    customer_limit_bytes: limit,
    customer:
      customerId === null
        ? null
        : { customer_id: customerId, used_bytes: Number(row!.customer_used), limit_bytes: limit },
    version: Number(row!.version),
  };
}

/**
 * Whether so many more bytes of this customer have room. With `more` 0 after the attachment's row is written: the
 * trigger has counted it and holds the counters until the end of the transaction.
 * @throws 413 QUOTA_EXCEEDED; the detail's field says which quota: `quota.customer` or `quota.tenant`
 */
export async function checkQuota(
  tx: Tx,
  ctx: RequestContext,
  customerId: string,
  more: number,
): Promise<void> {
  const quota = await attachmentQuota(tx, ctx, customerId);
  const { customer } = quota;
  if (customer && customer.used_bytes + more > customer.limit_bytes) {
    throw exceeded(
      'quota.customer',
      `The files of this customer may take ${sizeText(customer.limit_bytes)} altogether.`,
      isPortal(ctx),
    );
  }
  if (quota.used_bytes + more > quota.limit_bytes) {
    // How much the whole desk has is none of a customer's business.
    const figure = isPortal(ctx) ? '' : `: all files may take ${sizeText(quota.limit_bytes)}`;
    throw exceeded('quota.tenant', `The service desk's room for files is used up${figure}.`, isPortal(ctx));
  }
}

function exceeded(field: 'quota.customer' | 'quota.tenant', what: string, portal: boolean): AppError {
  const todo = portal
    ? 'Please delete files that are not needed, or ask the service desk.'
    : 'Delete files that are not needed, or raise the limit with PATCH /api/v1/attachment-quota.';
  return new AppError(413, 'QUOTA_EXCEEDED', `${what} ${todo}`, {
    details: [{ field, code: 'limit', message: what }],
  });
}

/** Sets the desk's figures (bytes); null is the platform's again, undefined leaves one as it is. */
export async function setLimits(
  tx: Tx,
  ctx: RequestContext,
  limits: { limit_bytes?: number | null | undefined; customer_limit_bytes?: number | null | undefined },
  check: (version: number) => void,
): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  await tx.sql`insert into desks (tenant_id) values (${tenantId}) on conflict do nothing`;
  const [before] = await tx.sql<
    { version: number; attachment_limit: string | null; customer_attachment_limit: string | null }[]
  >`
    select attachment_limits_version as version, attachment_limit, customer_attachment_limit
    from desks where tenant_id = ${tenantId} for update`;
  check(before!.version);
  const or = <T>(value: T | undefined, old: T) => (value === undefined ? old : value);
  await tx.sql`
    update desks set attachment_limits_version = attachment_limits_version + 1,
      attachment_limit = ${or<number | string | null>(limits.limit_bytes, before!.attachment_limit)}::bigint,
      customer_attachment_limit =
        ${or<number | string | null>(limits.customer_limit_bytes, before!.customer_attachment_limit)}::bigint
    where tenant_id = ${tenantId}`;
}
