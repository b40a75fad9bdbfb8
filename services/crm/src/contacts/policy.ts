import type { Contact } from '@psa/contracts/crm';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { invalid } from '@psa/service-kit/errors';

/**
 * Who may see and say what of contacts. Rows: row-level security shows a portal user the people of its own company.
 * Fields: what the MSP notes about a person is neither read nor written by its customer.
 */
const STAFF_ONLY = { notes: null, source: null, external_id: null } as const;

/** A contact as the reader may see it. */
export const contactFor = (contact: Contact, portal: boolean): Contact =>
  portal ? { ...contact, ...STAFF_ONLY } : contact;

/** @throws 400 naming the field that the caller may not write */
export function mustMayWrite(ctx: RequestContext, input: { readonly notes?: string | null }): void {
  if (isPortal(ctx) && input.notes !== undefined) {
    throw invalid({ field: 'notes', code: 'not_for_you', message: 'are for staff only' });
  }
}
