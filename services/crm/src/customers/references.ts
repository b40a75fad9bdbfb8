import type { RequestContext } from '@psa/service-kit/context';
import { notFound } from '@psa/service-kit/errors';
import { mustExist, type Reference } from '@psa/service-kit/references';
import type { CustomerRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { findCustomer } from './repository.ts';

type Named = Partial<Pick<CustomerRow, 'sla_policy_id' | 'preferred_technician_id'>>;

/** What a customer refers to in other services, where it is new: what is stored already is not asked for again. */
function referencesOf(input: Named, before: Named = {}): Reference[] {
  const { sla_policy_id, preferred_technician_id } = input;
  const references: Reference[] = [];
  if (sla_policy_id && sla_policy_id !== before.sla_policy_id) {
    references.push({
      field: 'sla_policy_id',
      id: sla_policy_id,
      noun: 'SLA policy',
      service: 'tickets',
      path: '/api/v1/sla-policies',
    });
  }
  if (preferred_technician_id && preferred_technician_id !== before.preferred_technician_id) {
    references.push({
      field: 'preferred_technician_id',
      id: preferred_technician_id,
      noun: 'technician',
      service: 'auth',
      path: '/api/v1/users',
      refuse: (user) => {
        const code = 'not_a_technician';
        if (user.audience !== 'staff') return { code, message: 'must be a technician' };
        return user.status === 'disabled' ? { code, message: 'is disabled' } : null;
      },
    });
  }
  return references;
}

/**
 * Checks what a new customer, or a change of one, refers to.
 * @throws 400 naming the field, 404 when there is no such customer
 */
export async function mustReferToSomething(
  deps: CrmDeps,
  ctx: RequestContext,
  input: Named,
  id: string | null,
): Promise<void> {
  if (!input.sla_policy_id && !input.preferred_technician_id) return;
  if (id === null) return mustExist(deps, ctx, referencesOf(input));
  const before = await deps.db.read(ctx.scope, (tx) => findCustomer(tx, ctx.scope.tenant_id, id));
  if (!before) throw notFound('customer');
  await mustExist(deps, ctx, referencesOf(input, before));
}
