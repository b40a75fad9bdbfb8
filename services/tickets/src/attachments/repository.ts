import { REMOVED_FILES_KEPT_DAYS } from '@psa/contracts/limits';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';

/** The timer that removes a stored file which no attachment refers to. */
export const CLEANUP = 'attachment_cleanup';

/**
 * Takes files of a ticket from sight, all of them or one; the quota has their room back at once, and a timer removes
 * what is stored once it was kept for a while. @param now RFC 3339
 */
export async function removeFiles(
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  now: string,
  only: string | null = null,
): Promise<void> {
  await tx.sql`
    with gone as (
      update attachments set deleted_at = ${now}, updated_at = ${now}, version = version + 1
      where tenant_id = ${ctx.scope.tenant_id} and ticket_id = ${ticketId} and deleted_at is null
        and (${only}::uuid is null or id = ${only}::uuid)
      returning tenant_id, file_key)
    insert into timers (tenant_id, kind, key, due_at, payload)
    select tenant_id, ${CLEANUP}, file_key::text,
      ${now}::timestamptz + make_interval(days => ${REMOVED_FILES_KEPT_DAYS}), '{}' from gone
    on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, attempts = 0`;
}
