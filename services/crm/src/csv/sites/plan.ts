import { foldText } from '@psa/domain/text';
import type { CustomerRow, SiteRow } from '../../db/schema.ts';
import type { ImportOptions } from '../import.ts';
import { differing, nameOf } from '../match.ts';
import { customerFinder } from '../of-customer.ts';
import { compared, type Outcome, ofCustomer } from '../report.ts';
import type { Problem } from '../values.ts';
import type { SiteLine } from './rows.ts';

/** Changes of a site that is there. */
interface Change {
  readonly row: SiteLine;
  readonly customer: CustomerRow;
  readonly site: SiteRow;
  readonly by: 'name' | 'address';
  readonly changes: Partial<SiteRow>;
}
/** What becomes of a row. */
export type SiteDecision =
  | { readonly kind: 'create'; readonly row: SiteLine; readonly customer: CustomerRow }
  | ({ readonly kind: 'update' } & Change)
  /** Known by its address under another name: changed only when somebody says that it is the one. */
  | ({ readonly kind: 'confirm' } & Change)
  | { readonly kind: 'unchanged'; readonly row: SiteLine }
  | { readonly kind: 'refuse'; readonly problem: Problem };

/** What is known of those that the rows could mean. */
export interface KnownSites {
  readonly customers: readonly CustomerRow[];
  readonly sites: readonly SiteRow[];
}

/** Addresses are the same where both say the same, in case and spelling of umlauts. */
const addressKey = ({
  street,
  postal_code,
  city,
}: Partial<Record<'street' | 'postal_code' | 'city', string | null>>) =>
  street && (postal_code || city)
    ? [street, postal_code || city].map((part) => foldText(part!)).join('\n')
    : null;

/**
 * Decides row by row: of which customer, and which of its sites: the one of that name, or at that address. A site is
 * called by its name within its customer, so that the name says which it is; under another name it is changed only
 * where `confirmed` says so.
 */
export function planSites(
  rows: readonly SiteLine[],
  known: KnownSites,
  options: ImportOptions,
): SiteDecision[] {
  const customerOf = customerFinder(known.customers, options);
  const sitesOf = Map.groupBy(known.sites, (site) => site.customer_id);
  const lineOf = new Map<string, number>();

  return rows.map((row): SiteDecision => {
    const refuse = (problem: Omit<Problem, 'line'>): SiteDecision => ({
      kind: 'refuse',
      problem: { line: row.line, ...problem },
    });
    const customer = customerOf(row.of);
    if ('refuse' in customer) return refuse(customer.refuse);
    const sites = sitesOf.get(customer.id) ?? [];
    const address = addressKey(row.values);
    const there = address === null ? [] : sites.filter((site) => addressKey(site) === address);
    const namesakes = sites.filter((site) => nameOf(site.name) === nameOf(row.name));
    if (namesakes.length > 1 && there.length !== 1) {
      const message = `${namesakes.length} sites of the customer have it`;
      return refuse({ field: 'name', code: 'ambiguous', message, values: { count: namesakes.length } });
    }
    const called = namesakes.length > 1 ? there[0] : namesakes[0];
    const site = called ?? (there.length === 1 ? there[0] : undefined);
    const identity = site ? `id:${site.id}` : `new:${customer.id}:${nameOf(row.name)}`;
    const earlier = lineOf.get(identity);
    if (earlier !== undefined) {
      const message = `is the same site as line ${earlier}`;
      return refuse({ field: null, code: 'same_entry', message, values: { line: earlier } });
    }
    lineOf.set(identity, row.line);
    if (!site) return { kind: 'create', row, customer };

    const by = called ? 'name' : 'address';
    const changes: Partial<SiteRow> = differing(site, {
      ...row.values,
      // A name made of the address renames nothing.
      ...(row.named ? { name: row.name } : {}),
    });
    if (Object.keys(changes).length === 0) return { kind: 'unchanged', row };
    const change = { row, customer, site, by, changes } as const;
    const sure = by === 'name' && row.named;
    return { kind: sure || options.confirmed(row.line) ? 'update' : 'confirm', ...change };
  });
}

/** What people are told of a decision. */
export function siteOutcome(decision: SiteDecision): Outcome {
  if (decision.kind !== 'update' && decision.kind !== 'confirm') return decision;
  const { row, customer, site, by, changes } = decision;
  const change = {
    line: row.line,
    id: site.id,
    ...ofCustomer(customer),
    name: site.name,
    matched_by: by,
    fields: compared(site, changes),
  };
  return decision.kind === 'update'
    ? { kind: 'update', sure: by === 'name' && row.named, change }
    : { kind: 'confirm', change };
}
