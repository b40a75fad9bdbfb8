import type { CsvImportReport, ImportChange } from '@psa/contracts/csv';
import type { Static } from 'typebox';
import type { CustomerRow } from '../db/schema.ts';
import type { Read } from './file.ts';
import type { Problem } from './values.ts';

/** A change as it is reported, with what it needs to be put in order. */
export type Change = Omit<ImportChange, 'to_confirm'>;
/** What became of a row, as people are told. */
export type Outcome =
  | { readonly kind: 'create' | 'unchanged' }
  | { readonly kind: 'refuse'; readonly problem: Problem }
  /** `sure`: the record was found without a doubt. */
  | { readonly kind: 'update'; readonly sure: boolean; readonly change: Change }
  /** Changed only when somebody says that it is the one. */
  | { readonly kind: 'confirm'; readonly change: Change };

/** Changed rows that a report shows; more are counted. */
const SHOWN = 1000;
/** Characters of a value that a report shows. */
const SHOWN_TEXT = 300;

const text = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  const whole = Array.isArray(value) ? value.join(', ') : String(value);
  return whole.length > SHOWN_TEXT ? `${whole.slice(0, SHOWN_TEXT)}…` : whole;
};

/** What is kept beside a field, and tells people nothing. */
const UNSEEN = new Set(['source', 'user_id']);

/** Fields of a record before and after a change. */
export const compared = (before: object, after: object): Change['fields'] =>
  Object.entries(after).flatMap(([field, value]) =>
    UNSEEN.has(field) ? [] : [{ field, old: text(before[field as keyof object]), new: text(value) }],
  );

/** The customer of a change. */
export const ofCustomer = (customer: CustomerRow) => ({
  customer_id: customer.id,
  customer_number: customer.customer_number,
});

/** What an import did, or in a dry run would do. */
export function report(
  dryRun: boolean,
  file: Omit<Read<unknown>, 'rows'>,
  outcomes: readonly Outcome[],
): Static<typeof CsvImportReport> {
  const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const [created, updated, unchanged, unconfirmed] = [
    count('create'),
    count('update'),
    count('unchanged'),
    count('confirm'),
  ];
  const taken = created + updated + unchanged;
  const refusals = outcomes.flatMap((outcome) => (outcome.kind === 'refuse' ? [outcome.problem] : []));
  const changes = outcomes
    .filter((outcome) => outcome.kind === 'update' || outcome.kind === 'confirm')
    .sort(
      (a, b) => Number(b.kind === 'confirm') - Number(a.kind === 'confirm') || a.change.line - b.change.line,
    );
  return {
    dry_run: dryRun,
    rows: file.count,
    taken,
    created,
    updated,
    unchanged,
    unconfirmed,
    refused: file.count - taken - unconfirmed,
    encoding: file.encoding.encoding,
    encoding_from: file.encoding.from,
    delimiter: file.delimiter,
    system: file.system,
    columns: [...file.headings],
    changes: changes.slice(0, SHOWN).map((outcome) => ({
      ...outcome.change,
      to_confirm: outcome.kind === 'confirm' || !outcome.sure,
    })),
    changes_total: changes.length,
    problems: [...file.problems, ...refusals].sort((a, b) => a.line - b.line),
  };
}
