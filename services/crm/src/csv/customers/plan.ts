import { foldText } from '@psa/domain/text';
import type { CustomerRow, SiteRow } from '../../db/schema.ts';
import { CSV_SOURCE, differing, nameOf, ownNumber } from '../match.ts';
import { compared, type Outcome, ofCustomer } from '../report.ts';
import type { Address, Problem } from '../values.ts';
import type { CustomerLine, CustomerValues } from './rows.ts';

type MatchedBy = 'customer_number' | 'external_id' | 'name';
/** What a row does to a customer's place. */
export type SiteDecision =
  | { readonly kind: 'create'; readonly values: Address }
  | { readonly kind: 'update'; readonly site: SiteRow; readonly changes: Address };
/** Changes of a customer that is there. */
interface Change {
  readonly row: CustomerLine;
  readonly customer: CustomerRow;
  readonly by: MatchedBy;
  readonly changes: Partial<CustomerValues & { external_id: string; source: string }>;
  readonly site: SiteDecision | null;
}
/** What becomes of a row. */
export type Decision =
  | {
      readonly kind: 'create';
      readonly row: CustomerLine;
      readonly external_id: string | null;
      readonly site: SiteDecision | null;
    }
  | ({ readonly kind: 'update'; readonly needsConfirmation: boolean } & Change)
  /** Found by its name, or by a number under another name: changed only when somebody says that it is the one. */
  | ({ readonly kind: 'confirm' } & Change)
  | { readonly kind: 'unchanged'; readonly row: CustomerLine }
  | { readonly kind: 'refuse'; readonly problem: Problem };

/** What is known of the customers that the rows could mean. */
export interface Known {
  readonly customers: readonly CustomerRow[];
  readonly sites: readonly SiteRow[];
}

type Match =
  | { customer: CustomerRow; by: MatchedBy; sure: boolean }
  | { refuse: Omit<Problem, 'line'> }
  | { external_id: string | null };

const fields = <T extends object>(values: T) => Object.entries(values) as [keyof T & string, T[keyof T]][];

/** The place of a row among those of the customer: known already, the only one and changed, or one more. */
function siteDecision(values: Address | null, sites: readonly SiteRow[]): SiteDecision | null {
  if (!values) return null;
  const differs = (site: SiteRow) =>
    Object.fromEntries(
      fields(values).filter(([field, value]) => foldText(site[field] ?? '') !== foldText(value ?? '')),
    ) as Address;
  const changes = sites.map(differs);
  if (changes.some((change) => Object.keys(change).length === 0)) return null;
  const [only, ...others] = sites;
  return only && others.length === 0
    ? { kind: 'update', site: only, changes: changes[0]! }
    : { kind: 'create', values };
}

/**
 * Decides row by row: a known customer number is that customer, else a known external id, else a name that
 * exactly one customer has. A number that is none of ours is another system's, and is kept as the external id.
 * What is found by a name alone, or has another name than its number says, is changed only where `confirmed` says
 * so. A second row for the same customer is refused, so that no row depends on another and a dry run says what the
 * run will do.
 */
export function planImport(
  rows: readonly CustomerLine[],
  known: Known,
  confirmed: (line: number) => boolean,
): Decision[] {
  const { customers } = known;
  const byNumber = new Map(customers.map((customer) => [customer.customer_number, customer]));
  const byExternalId = Map.groupBy(
    customers.filter((customer) => customer.external_id !== null),
    (customer) => customer.external_id!,
  );
  const byName = Map.groupBy(customers, (customer) => nameOf(customer.name));
  const sitesOf = Map.groupBy(known.sites, (site) => site.customer_id);
  const lineOf = new Map<string, number>();
  const lineOfName = new Map<string, { line: number; named: boolean }>();

  function match(row: CustomerLine): Match {
    const { customer_number, values } = row;
    let externalId = row.external_id;
    let foreign = false;
    if (customer_number !== null) {
      const customer = byNumber.get(ownNumber(customer_number) ?? -1);
      if (customer) {
        const sure = values.name === undefined || nameOf(values.name) === nameOf(customer.name);
        return { customer, by: 'customer_number', sure };
      }
      if (externalId !== null) {
        return {
          refuse: {
            field: 'customer_number',
            code: 'two_numbers',
            message: 'no customer has this number, and the row has an external id already',
          },
        };
      }
      externalId = customer_number;
      foreign = true;
    }
    if (externalId !== null) {
      const found = (byExternalId.get(externalId) ?? []).filter(
        // Another system's number says nothing about the ids of a third.
        (customer) => !foreign || customer.source === CSV_SOURCE,
      );
      if (found.length > 1) {
        return {
          refuse: {
            field: 'external_id',
            code: 'ambiguous',
            message: 'several customers of different sources have it',
          },
        };
      }
      if (found[0]) return { customer: found[0], by: 'external_id', sure: true };
    }
    if (values.name === undefined) return { external_id: externalId };
    const named = (byName.get(nameOf(values.name)) ?? []).filter(
      // One with another external id is another customer of the same name.
      (customer) => externalId === null || customer.external_id === null,
    );
    if (named.length > 1) {
      if (externalId !== null) return { external_id: externalId };
      return {
        refuse: {
          field: 'name',
          code: 'ambiguous',
          message: `${named.length} customers have it; give a customer number or external id`,
          values: { count: named.length },
        },
      };
    }
    return named[0] ? { customer: named[0], by: 'name', sure: false } : { external_id: externalId };
  }

  return rows.map((row): Decision => {
    const refuse = (problem: Omit<Problem, 'line'>): Decision => ({
      kind: 'refuse',
      problem: { line: row.line, ...problem },
    });
    const found = match(row);
    if ('refuse' in found) return refuse(found.refuse);
    const customer = 'customer' in found ? found.customer : null;
    const named = row.values.name;
    if (!customer && named === undefined)
      return refuse({ field: 'name', code: 'required', message: 'is required for a new customer' });

    const name = nameOf(named ?? customer!.name);
    const given = row.external_id ?? (ownNumberOf(row, customer) ? null : row.customer_number);
    const identities = [
      ...(customer ? [`id:${customer.id}`] : []),
      ...(given === null ? [] : [`external:${given}`]),
    ];
    const earlier = identities.map((identity) => lineOf.get(identity)).find((line) => line !== undefined);
    if (earlier !== undefined) {
      const message = `is the same customer as line ${earlier}`;
      return refuse({ field: null, code: 'same_customer', message, values: { line: earlier } });
    }
    if (!customer) {
      const namesake = lineOfName.get(name);
      if (namesake && (given === null || !namesake.named)) {
        const { line } = namesake;
        const message = `is the same name as in line ${line}`;
        return refuse({ field: 'name', code: 'same_name', message, values: { line } });
      }
    }
    for (const identity of identities) lineOf.set(identity, row.line);
    if (!lineOfName.has(name)) lineOfName.set(name, { line: row.line, named: given !== null });
    if (!('customer' in found)) {
      return { kind: 'create', row, external_id: found.external_id, site: siteDecision(row.site, []) };
    }

    const wanted: Record<string, unknown> = { ...row.values };
    if (given !== null && found.customer.external_id !== given) {
      wanted.external_id = given;
      wanted.source = found.customer.source ?? CSV_SOURCE;
      const holders = byExternalId.get(given) ?? [];
      if (
        row.external_id !== null ? holders.length > 0 : holders.some((one) => one.source === wanted.source)
      ) {
        return refuse({ field: 'external_id', code: 'taken', message: 'belongs to another customer' });
      }
    }
    const changes = differing(found.customer, wanted);
    const site = siteDecision(row.site, sitesOf.get(found.customer.id) ?? []);
    if (Object.keys(changes).length === 0 && !site) return { kind: 'unchanged', row };
    const change = { row, customer: found.customer, by: found.by, changes, site };
    if (!found.sure && !confirmed(row.line)) return { kind: 'confirm', ...change };
    return { kind: 'update', needsConfirmation: !found.sure, ...change };
  });
}

/** True when the row's number is the customer's own, and so no external id. */
const ownNumberOf = (row: CustomerLine, customer: CustomerRow | null) =>
  customer !== null && ownNumber(row.customer_number) === customer.customer_number;

/** What people are told of a decision. */
export function customerOutcome(decision: Decision): Outcome {
  if (decision.kind !== 'update' && decision.kind !== 'confirm') return decision;
  const { customer, changes, site, row } = decision;
  const change = {
    line: row.line,
    id: customer.id,
    ...ofCustomer(customer),
    name: customer.name,
    matched_by: decision.by,
    fields: [
      ...compared(customer, changes),
      ...(site === null
        ? []
        : site.kind === 'update'
          ? compared(site.site, site.changes)
          : compared({}, site.values)),
    ],
  };
  return decision.kind === 'update'
    ? { kind: 'update', sure: !decision.needsConfirmation, change }
    : { kind: 'confirm', change };
}
