import type { User } from '@psa/contracts/auth';
import type { Contact, Customer } from '@psa/contracts/crm';
import type { ServiceName } from '@psa/contracts/services';
import type { RequestContext } from '@psa/service-kit/context';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { peerRefusal } from '@psa/service-kit/peers';
import type { ServiceDeps } from '@psa/service-kit/service';
import { putCustomer, putPerson, putTechnician } from './repository.ts';

interface Missing {
  readonly kind: 'customer' | 'contact' | 'technician';
  readonly id: string;
  /** The request's field that named it. */
  readonly field: string;
}

/** Thrown inside a transaction: something it refers to is not known here yet. */
export class UnknownReference extends Error {
  readonly missing: readonly Missing[];
  constructor(missing: readonly Missing[]) {
    super(`not known here: ${missing.map((one) => `${one.kind} ${one.id}`).join(', ')}`);
    this.missing = missing;
  }
}

/**
 * Runs `work`; when it meets somebody whose event has not arrived yet (a customer created a moment ago), asks
 * the owning service in the caller's name, stores the answer, and runs it again. The asking happens outside
 * the transaction, which was rolled back.
 * @throws 400 naming the field when the owner does not know it either
 */
export async function withLookups<T>(
  deps: ServiceDeps,
  ctx: RequestContext,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnknownReference)) throw error;
    for (const missing of error.missing) await learn(deps, ctx, missing);
  }
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnknownReference)) throw error;
    throw invalid(
      ...error.missing.map((one) => ({
        field: one.field,
        code: 'not_found' as const,
        message: `there is no such ${one.kind}`,
      })),
    );
  }
}

const PATHS = {
  customer: ['crm', '/api/v1/customers/'],
  contact: ['crm', '/api/v1/contacts/'],
  technician: ['auth', '/api/v1/users/'],
} as const satisfies Record<Missing['kind'], readonly [ServiceName, string]>;

/** Asks the owner of something in the caller's name and stores the answer. @throws 400, 403, 502, 503 */
export async function learn(deps: ServiceDeps, ctx: RequestContext, missing: Missing): Promise<void> {
  const [service, path] = PATHS[missing.kind];
  const answer = await deps.peers.request(service, {
    method: 'GET',
    path: path + missing.id,
    token: ctx.token,
    requestId: ctx.request_id,
  });
  const { status, body } = answer;
  if (status === 404) {
    throw invalid({ field: missing.field, code: 'not_found', message: `there is no such ${missing.kind}` });
  }
  if (status === 403) throw forbidden(`You may not see the ${missing.kind} named in ${missing.field}.`);
  if (status !== 200) throw peerRefusal(service, answer);
  const { data } = body as { data: unknown };
  const tenantId = ctx.scope.tenant_id;
  await deps.db.tx({ tenant_id: tenantId, customer_id: null }, async (tx) => {
    if (missing.kind === 'customer') {
      const customer = data as Customer;
      await putCustomer(tx, tenantId, { ...customer, customer_id: customer.id });
    } else if (missing.kind === 'contact') {
      await putPerson(tx, tenantId, { ...(data as Contact), kind: 'contact' });
    } else {
      const user = data as User;
      if (user.audience !== 'staff') {
        throw invalid({ field: missing.field, code: 'not_a_technician', message: 'must be a technician' });
      }
      await putTechnician(tx, tenantId, user);
    }
  });
}
