import type { ErrorDetail } from '@psa/contracts/common';
import type { ServiceName } from '@psa/contracts/services';
import type { RequestContext } from './context.ts';
import { forbidden, invalid, unavailable } from './errors.ts';
import { type Peers, peerRefusal } from './peers.ts';

/** Something of another service that a request names. */
export interface Reference {
  /** The request's field, as the caller calls it. */
  readonly field: string;
  readonly id: string;
  /** What it must be, for people: "SLA policy". */
  readonly noun: string;
  readonly service: ServiceName;
  /** Where it is read, without the id: `/api/v1/sla-policies`. */
  readonly path: string;
  /** What is wrong with it although it exists; null: nothing. */
  readonly refuse?: (data: Readonly<Record<string, unknown>>) => Omit<ErrorDetail, 'field'> | null;
}

/**
 * Asks the owners, in the caller's name, whether what a request refers to exists. Before the transaction: another
 * service may not hold a connection (ADR 0023 says when to ask, and when to look into a read model).
 * @throws 400 naming every field that names nothing, 403 for what the caller may not see, 503 when an owner is away
 */
export async function mustExist(
  deps: { readonly peers: Peers },
  ctx: RequestContext,
  references: readonly Reference[],
): Promise<void> {
  const problems = await Promise.all(references.map((reference) => problemOf(deps, ctx, reference)));
  const found = problems.filter((problem) => problem !== null);
  if (found.length > 0) throw invalid(...found);
}

async function problemOf(
  deps: { readonly peers: Peers },
  ctx: RequestContext,
  { field, id, noun, service, path, refuse }: Reference,
): Promise<ErrorDetail | null> {
  const answer = await deps.peers.request(service, {
    method: 'GET',
    path: `${path}/${id}`,
    token: ctx.token,
    requestId: ctx.request_id,
  });
  const { status, body } = answer;
  if (status === 404) return { field, code: 'not_found', message: `there is no such ${noun}` };
  if (status === 403) throw forbidden(`You may not see the ${noun} named in ${field}.`);
  if (status >= 500) throw unavailable(`The ${noun} named in ${field} cannot be checked just now.`);
  if (status !== 200) throw peerRefusal(service, answer);
  const reason = refuse?.((body as { data: Record<string, unknown> }).data);
  return reason ? { field, ...reason } : null;
}
