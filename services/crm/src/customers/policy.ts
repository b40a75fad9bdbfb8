import type { Customer, ListCustomersQuery } from '@psa/contracts/crm';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';
import type { Static } from 'typebox';

/**
 * Who may see what of customers. Rows: row-level security shows a portal user its own company alone. Fields: what the
 * MSP notes about a company is not for that company's eyes, not even by asking for it.
 */
const STAFF_ONLY = {
  notes: null,
  tags: [],
  preferred_technician_id: null,
  sla_policy_id: null,
  source: null,
  external_id: null,
} as const satisfies Partial<Record<keyof Customer, null | readonly never[]>>;

/** A customer as the reader may see it. */
export const customerFor = (customer: Customer, portal: boolean): Customer =>
  portal ? { ...customer, ...STAFF_ONLY, tags: [] } : customer;

/** A filter by a field that one may not see would tell its value. @throws 403 */
export function mustMayFilter(ctx: RequestContext, query: Static<typeof ListCustomersQuery>): void {
  if (isPortal(ctx) && (query.tag ?? query.preferred_technician_id ?? query.external_id)) {
    throw forbidden('Only staff may filter by this.');
  }
}

/** Customers leave the platform as a file with staff alone. @throws 403 */
export function mustMayExport(ctx: RequestContext): void {
  if (isPortal(ctx)) throw forbidden('Only staff may export customers.');
}
