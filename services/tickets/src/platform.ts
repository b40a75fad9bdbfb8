import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';

/**
 * Runs a step that the platform decides, whoever asked: choosing an assignee needs the technicians' load over
 * all customers, which a portal user must not see. The transaction looks past the customer for this step
 * only. Nothing else may use the transaction meanwhile, so never call it beside other queries.
 */
export async function asPlatform<T>(tx: Tx, ctx: RequestContext, step: () => Promise<T>): Promise<T> {
  if (ctx.scope.customer_id === null) return step();
  await tx.sql`select set_config('psa.customer_id', '', true)`;
  const result = await step();
  await tx.sql`select set_config('psa.customer_id', ${ctx.scope.customer_id}, true)`;
  return result;
}
