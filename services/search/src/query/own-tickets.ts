import { MOST_IDS } from '@psa/contracts/limits';
import type { SynonymGroups } from '@psa/contracts/ports/search';
import type { VisibleTicketsRequest, VisibleTicketsResponse } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import { peerRefusal } from '@psa/service-kit/peers';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { refused } from './refused.ts';

/** Which tickets an asker may find who sees only some. */
interface OwnTickets {
  readonly ids: readonly string[];
  /** There are more, and the newest matches among them are named: the count is "at least". */
  readonly incomplete: boolean;
}

/**
 * Asks the tickets service, in the asker's name, what its list would show: who sees what is decided there alone, at
 * this moment, so a ticket that is no longer watched is no longer found. Where that is more than can travel, it is
 * asked about the newest matches of the text.
 */
export async function ownTickets(
  deps: ServiceDeps,
  ctx: RequestContext,
  text: string,
  synonyms: SynonymGroups,
): Promise<OwnTickets> {
  const all = await visible(deps, ctx, {});
  if (!all.more) return { ids: all.ids, incomplete: false };
  const { tenant_id, customer_id } = ctx.scope;
  const found = await deps.searchIndex
    .matches({ tenant_id, customer_id, text, type: 'ticket', synonyms, most: MOST_IDS, newest: true })
    .catch(refused);
  const { ids } = await visible(deps, ctx, { ids: found.tiers.flat().slice(0, MOST_IDS) });
  return { ids, incomplete: found.more };
}

async function visible(
  deps: ServiceDeps,
  ctx: RequestContext,
  body: Static<typeof VisibleTicketsRequest>,
): Promise<Static<typeof VisibleTicketsResponse>> {
  const answer = await deps.peers.request('tickets', {
    method: 'POST',
    path: '/internal/tickets/visible',
    token: ctx.token,
    requestId: ctx.request_id,
    body,
  });
  if (answer.status === 200) return answer.body as Static<typeof VisibleTicketsResponse>;
  throw peerRefusal('tickets', answer);
}
