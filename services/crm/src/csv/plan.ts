import type { CustomerRow } from '../db/schema.ts';
import { fold } from '../shared/search-text.ts';
import type { CustomerLine, CustomerValues, Problem } from './columns.ts';

/** What becomes of a row. */
export type Decision =
  | { readonly kind: 'create'; readonly row: CustomerLine }
  | {
      readonly kind: 'update';
      readonly row: CustomerLine;
      readonly customer: CustomerRow;
      readonly changes: Partial<CustomerValues & { external_id: string; source: string }>;
    }
  | { readonly kind: 'unchanged'; readonly row: CustomerLine }
  | { readonly kind: 'refuse'; readonly problem: Problem };

/** Customers created from a file belong to this source. */
export const CSV_SOURCE = 'csv';

/** Names are the same when they differ in case and spacing only: "Muller" is not "Müller". */
const nameOf = (name: string) => name.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();

type Match = { customer: CustomerRow } | { refuse: Omit<Problem, 'line'> } | null;

/**
 * Decides row by row: a known customer number is that customer, else a known external id, else a name that
 * exactly one customer has. A second row for the same customer is refused, so that no row depends on another
 * and a dry run says what the run will do.
 */
export function planImport(rows: readonly CustomerLine[], known: readonly CustomerRow[]): Decision[] {
  const byNumber = new Map(known.map((customer) => [customer.customer_number, customer]));
  const byExternalId = Map.groupBy(
    known.filter((customer) => customer.external_id !== null),
    (customer) => customer.external_id!,
  );
  const byName = Map.groupBy(known, (customer) => nameOf(customer.name));
  const lineOf = new Map<string, number>();
  const lineOfName = new Map<string, { line: number; named: boolean }>();

  function match(row: CustomerLine): Match {
    if (row.customer_number !== null) {
      const customer = byNumber.get(row.customer_number);
      if (customer) return { customer };
      return {
        refuse: {
          field: 'customer_number',
          message: 'no customer has this number; leave it empty for a new one',
        },
      };
    }
    if (row.external_id !== null) {
      const found = byExternalId.get(row.external_id) ?? [];
      if (found.length > 1) {
        return {
          refuse: { field: 'external_id', message: 'several customers of different sources have it' },
        };
      }
      if (found[0]) return { customer: found[0] };
    }
    const named = (byName.get(nameOf(row.values.name)) ?? []).filter(
      // One with another external id is another customer of the same name.
      (customer) => row.external_id === null || customer.external_id === null,
    );
    if (named.length > 1) {
      if (row.external_id !== null) return null;
      return {
        refuse: {
          field: 'name',
          message: `${named.length} customers have it; give a customer number or external id`,
        },
      };
    }
    return named[0] ? { customer: named[0] } : null;
  }

  return rows.map((row): Decision => {
    const refuse = (field: string | null, message: string): Decision => ({
      kind: 'refuse',
      problem: { line: row.line, field, message },
    });
    const found = match(row);
    if (found && 'refuse' in found) return refuse(found.refuse.field, found.refuse.message);

    const name = nameOf(row.values.name);
    const identities = [
      ...(found ? [`id:${found.customer.id}`] : []),
      ...(row.external_id === null ? [] : [`external:${row.external_id}`]),
    ];
    const earlier = identities.map((identity) => lineOf.get(identity)).find((line) => line !== undefined);
    if (earlier !== undefined) return refuse(null, `is the same customer as line ${earlier}`);
    if (!found) {
      const namesake = lineOfName.get(name);
      if (namesake && (row.external_id === null || !namesake.named)) {
        return refuse('name', `is the same name as in line ${namesake.line}`);
      }
    }
    for (const identity of identities) lineOf.set(identity, row.line);
    if (!lineOfName.has(name)) lineOfName.set(name, { line: row.line, named: row.external_id !== null });
    if (!found) return { kind: 'create', row };

    const changes: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = { ...row.values };
    if (row.external_id !== null && found.customer.external_id !== row.external_id) {
      if (byExternalId.has(row.external_id)) return refuse('external_id', 'belongs to another customer');
      wanted.external_id = row.external_id;
      wanted.source = found.customer.source ?? CSV_SOURCE;
    }
    for (const [field, value] of Object.entries(wanted)) {
      const before = found.customer[field as keyof CustomerRow];
      if (JSON.stringify(before) !== JSON.stringify(value)) changes[field] = value;
    }
    return Object.keys(changes).length === 0
      ? { kind: 'unchanged', row }
      : { kind: 'update', row, customer: found.customer, changes };
  });
}

/** The folded names to look customers up by. */
export const nameKeysOf = (rows: readonly CustomerLine[]) => [
  ...new Set(rows.map((row) => fold(row.values.name))),
];
