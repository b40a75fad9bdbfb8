import { normaliseEmail } from '@psa/service-kit/contact-forms';
import type { ContactRow, CustomerRow, SiteRow } from '../../db/schema.ts';
import type { ImportOptions } from '../import.ts';
import { CSV_SOURCE, differing, nameOf } from '../match.ts';
import { customerFinder } from '../of-customer.ts';
import { compared, type Outcome, ofCustomer } from '../report.ts';
import type { Problem } from '../values.ts';
import type { ContactLine } from './rows.ts';

/** Changes of a contact that is there. */
interface Change {
  readonly row: ContactLine;
  readonly customer: CustomerRow;
  readonly contact: ContactRow;
  readonly by: 'external_id' | 'email' | 'name';
  readonly changes: Partial<ContactRow>;
  /** Its place before and after, where it moves. */
  readonly moved: { readonly from: string | null; readonly to: string } | null;
}
/** What becomes of a row. */
export type ContactDecision =
  | {
      readonly kind: 'create';
      readonly row: ContactLine;
      readonly customer: CustomerRow;
      readonly site: SiteRow | null;
    }
  | ({ readonly kind: 'update'; readonly sure: boolean } & Change)
  | ({ readonly kind: 'confirm' } & Change)
  | { readonly kind: 'unchanged'; readonly row: ContactLine }
  | { readonly kind: 'refuse'; readonly problem: Problem };

/** What is known of those that the rows could mean. */
export interface KnownContacts {
  readonly customers: readonly CustomerRow[];
  readonly contacts: readonly ContactRow[];
  readonly sites: readonly SiteRow[];
}

const emailOf = (email: string | null | undefined) => (email ? (normaliseEmail(email) ?? email) : null);

type Match =
  | { readonly contact: ContactRow; readonly by: Change['by']; readonly sure: boolean }
  | { readonly refuse: Omit<Problem, 'line'> }
  | null;

/** Who among the contacts of its customer a row is about; null: somebody new. */
function match(row: ContactLine, contacts: readonly ContactRow[], sameId: readonly ContactRow[]): Match {
  const { values, external_id } = row;
  if (external_id !== null) {
    const mine = sameId.find((contact) => contacts.includes(contact));
    if (mine) return { contact: mine, by: 'external_id', sure: true };
    if (sameId.some((contact) => contact.source === CSV_SOURCE)) {
      const message = 'belongs to a contact of another customer';
      return { refuse: { field: 'external_id', code: 'taken', message } };
    }
  }
  // One with another external id is another person of the same name.
  const possible = contacts.filter((contact) => external_id === null || contact.external_id === null);
  const called = (contact: ContactRow) =>
    values.name !== undefined && nameOf(contact.name) === nameOf(values.name);
  const address = emailOf(values.email);
  const reached = address === null ? [] : possible.filter((contact) => emailOf(contact.email) === address);
  const named = reached.filter(called);
  if (named.length === 1) return { contact: named[0]!, by: 'email', sure: true };
  // An address that several have is a mailbox, and says nothing of one of them.
  if (reached.length === 1) {
    return { contact: reached[0]!, by: 'email', sure: values.name === undefined };
  }
  const namesakes = named.length > 0 ? named : possible.filter(called);
  if (namesakes.length > 1) {
    const message = `${namesakes.length} contacts of the customer have it; give an external id or e-mail address`;
    return { refuse: { field: 'name', code: 'ambiguous', message, values: { count: namesakes.length } } };
  }
  return namesakes[0] ? { contact: namesakes[0], by: 'name', sure: false } : null;
}

/**
 * Decides row by row: of which customer, and who of its people. An external id says it, or an e-mail address with the
 * same name; a name alone, or an address under another name, is changed only where `confirmed` says so. A second row
 * for the same person is refused, so that no row depends on another.
 */
export function planContacts(
  rows: readonly ContactLine[],
  known: KnownContacts,
  options: ImportOptions,
): ContactDecision[] {
  const customerOf = customerFinder(known.customers, options);
  const contactsOf = Map.groupBy(known.contacts, (contact) => contact.customer_id);
  const byExternalId = Map.groupBy(
    known.contacts.filter((contact) => contact.external_id !== null),
    (contact) => contact.external_id!,
  );
  const sitesOf = Map.groupBy(known.sites, (site) => site.customer_id);
  const siteNames = new Map(known.sites.map((site) => [site.id, site.name]));
  const lineOf = new Map<string, number>();
  const mainOf = new Map<string, number>();

  return rows.map((row): ContactDecision => {
    const refuse = (problem: Omit<Problem, 'line'>): ContactDecision => ({
      kind: 'refuse',
      problem: { line: row.line, ...problem },
    });
    const { values, external_id } = row;
    const customer = customerOf(row.of);
    if ('refuse' in customer) return refuse(customer.refuse);
    const sameId = external_id === null ? [] : (byExternalId.get(external_id) ?? []);
    const found = match(row, contactsOf.get(customer.id) ?? [], sameId);
    if (found && 'refuse' in found) return refuse(found.refuse);
    if (!found && values.name === undefined) {
      return refuse({ field: 'name', code: 'required', message: 'is required for a new contact' });
    }

    const identities = [
      ...(found ? [`id:${found.contact.id}`] : []),
      ...(external_id === null ? [] : [`external:${external_id}`]),
      ...(found || external_id !== null
        ? []
        : [`new:${customer.id}:${nameOf(values.name!)}:${emailOf(values.email) ?? ''}`]),
    ];
    const earlier = identities.map((identity) => lineOf.get(identity)).find((line) => line !== undefined);
    if (earlier !== undefined) {
      const message = `is the same contact as line ${earlier}`;
      return refuse({ field: null, code: 'same_entry', message, values: { line: earlier } });
    }
    const sites = row.site === null ? [] : (sitesOf.get(customer.id) ?? []);
    const site = sites.find(({ name }) => nameOf(name) === nameOf(row.site!)) ?? null;
    if (row.site !== null && !site) {
      return refuse({ field: 'site', code: 'not_found', message: 'names no site of the customer' });
    }
    if (values.is_primary) {
      const other = mainOf.get(customer.id);
      if (other !== undefined) {
        const message = `is the contact of line ${other} already`;
        return refuse({ field: 'is_primary', code: 'duplicate', message, values: { line: other } });
      }
      mainOf.set(customer.id, row.line);
    }
    for (const identity of identities) lineOf.set(identity, row.line);
    if (!found) return { kind: 'create', row, customer, site };

    const { contact, by, sure } = found;
    const wanted: Partial<ContactRow> = { ...values, ...(site ? { site_id: site.id } : {}) };
    if (external_id !== null && contact.external_id !== external_id) {
      Object.assign(wanted, { external_id, source: contact.source ?? CSV_SOURCE });
    }
    const changes: Partial<ContactRow> = differing(contact, wanted);
    if (Object.keys(changes).length === 0) return { kind: 'unchanged', row };
    // Who has another address is not the portal's user of the old one any more.
    if (changes.email !== undefined) changes.user_id = null;
    const moved = changes.site_id
      ? { from: siteNames.get(contact.site_id ?? '') ?? null, to: site!.name }
      : null;
    const change = { row, customer, contact, by, changes, moved };
    if (!sure && !options.confirmed(row.line)) return { kind: 'confirm', ...change };
    return { kind: 'update', sure, ...change };
  });
}

/** What people are told of a decision. */
export function contactOutcome(decision: ContactDecision): Outcome {
  if (decision.kind !== 'update' && decision.kind !== 'confirm') return decision;
  const { row, customer, contact, by, moved } = decision;
  const { site_id: _, ...changes } = decision.changes;
  const change = {
    line: row.line,
    id: contact.id,
    ...ofCustomer(customer),
    name: contact.name,
    matched_by: by,
    fields: [
      ...compared(contact, changes),
      ...(moved ? compared({ site: moved.from }, { site: moved.to }) : []),
    ],
  };
  return decision.kind === 'update'
    ? { kind: 'update', sure: decision.sure, change }
    : { kind: 'confirm', change };
}
