import type { CsvImportReport, ImportChange } from '@psa/contracts/crm';
import type { Static } from 'typebox';
import type { Decoded } from './encoding.ts';
import type { Heading } from './headings.ts';
import type { Decision } from './plan.ts';
import type { CustomerLine, Problem } from './rows.ts';

/** A file as it was read, before anything of it is compared with what is known. */
export interface Read {
  readonly encoding: Omit<Decoded, 'text'>;
  readonly delimiter: string;
  readonly headings: readonly (Heading & { readonly sample: string | null })[];
  readonly rows: readonly CustomerLine[];
  readonly problems: readonly Problem[];
  /** Lines that hold a row, good or bad. */
  readonly count: number;
}

/** Changed rows that a report shows; more are counted. */
const SHOWN = 1000;
/** Characters of a value that a report shows. */
const SHOWN_TEXT = 300;

const text = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  const whole = Array.isArray(value) ? value.join(', ') : String(value);
  return whole.length > SHOWN_TEXT ? `${whole.slice(0, SHOWN_TEXT)}…` : whole;
};

function changeOf(decision: Decision & { kind: 'update' | 'confirm' }): Static<typeof ImportChange> {
  const { customer, changes, site, row } = decision;
  const compared = (before: object, after: object) =>
    Object.entries(after).flatMap(([field, value]) =>
      field === 'source' ? [] : [{ field, old: text(before[field as keyof object]), new: text(value) }],
    );
  return {
    line: row.line,
    customer_id: customer.id,
    customer_number: customer.customer_number,
    name: customer.name,
    matched_by: decision.by,
    to_confirm: decision.kind === 'confirm' || decision.needsConfirmation,
    fields: [
      ...compared(customer, changes),
      ...(site === null
        ? []
        : site.kind === 'update'
          ? compared(site.site, site.changes)
          : compared({}, site.values)),
    ],
  };
}

/** What an import did, or in a dry run would do. */
export function report(
  dryRun: boolean,
  file: Read,
  decisions: readonly Decision[],
): Static<typeof CsvImportReport> {
  const count = (kind: Decision['kind']) => decisions.filter((decision) => decision.kind === kind).length;
  const [created, updated, unchanged, unconfirmed] = [
    count('create'),
    count('update'),
    count('unchanged'),
    count('confirm'),
  ];
  const taken = created + updated + unchanged;
  const refusals = decisions.flatMap((decision) => (decision.kind === 'refuse' ? [decision.problem] : []));
  const changes = decisions
    .filter((decision) => decision.kind === 'update' || decision.kind === 'confirm')
    .sort((a, b) => Number(b.kind === 'confirm') - Number(a.kind === 'confirm') || a.row.line - b.row.line);
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
    columns: file.headings.map(({ heading, column, by, sample }) => ({ heading, column, by, sample })),
    changes: changes.slice(0, SHOWN).map(changeOf),
    changes_total: changes.length,
    problems: [...file.problems, ...refusals].sort((a, b) => a.line - b.line),
  };
}
