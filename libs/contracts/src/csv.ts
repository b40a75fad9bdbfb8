import Type, { type Static } from 'typebox';
import { Closed, ErrorDetail, listQuery, Nullable, StringEnum, Tag, Text, Uuid } from './common.ts';
import { CUSTOMER_STATUSES } from './crm.ts';

/** What comes and goes as CSV. */
export const CSV_KINDS = ['customers', 'contacts', 'sites'] as const;
export type CsvKind = (typeof CSV_KINDS)[number];

/** What a heading of a CSV file can be taken as, in the order in which it is offered. */
export const CSV_COLUMNS = {
  customers: [
    ...(['customer_number', 'external_id', 'name', 'first_name', 'last_name', 'status', 'email'] as const),
    ...(['phone', 'website', 'tags', 'notes', 'street', 'house_number', 'postal_code'] as const),
    ...(['city', 'country'] as const),
  ],
  contacts: [
    ...(['customer_number', 'customer', 'external_id', 'name', 'first_name', 'last_name'] as const),
    ...(['email', 'phone', 'mobile', 'position', 'is_primary', 'site', 'notes'] as const),
  ],
  sites: [
    ...(['customer_number', 'customer', 'name', 'street', 'house_number', 'postal_code'] as const),
    ...(['city', 'country', 'time_zone'] as const),
  ],
} as const satisfies Record<CsvKind, readonly string[]>;
export type CsvColumn = (typeof CSV_COLUMNS)[CsvKind][number];
const EVERY_COLUMN = [...new Set<CsvColumn>(CSV_KINDS.flatMap((kind) => CSV_COLUMNS[kind]))];

/** Systems whose exports are known by their headings. */
export const CSV_SYSTEMS = [
  ...(['zammad', 'itflow', 'connectwise', 'autotask', 'lexware', 'sevdesk', 'hubspot'] as const),
] as const;
export type CsvSystem = (typeof CSV_SYSTEMS)[number];

export const CSV_DELIMITERS = { semicolon: ';', comma: ',' } as const;
const delimiter = Type.Optional(StringEnum(['semicolon', 'comma'], { default: 'semicolon' }));
export const ExportCustomersQuery = Closed({
  status: Type.Optional(StringEnum(CUSTOMER_STATUSES)),
  tag: Type.Optional(Tag),
  search: listQuery.search,
  delimiter,
});
/** For contacts and sites: those of the customers that the filters name. */
export const ExportOfCustomersQuery = Closed({
  ...ExportCustomersQuery.properties,
  customer_id: Type.Optional(Uuid),
});

const importQuery = {
  dry_run: Type.Optional(Type.Boolean({ default: false })),
  confirm: Type.Optional(
    Type.String({
      maxLength: 8000,
      pattern: '^(all|[1-9][0-9]{0,6}(,[1-9][0-9]{0,6})*)$',
      description:
        'lines whose record was not found for sure (by a name alone, say) and is the one that is meant; or `all`',
    }),
  ),
};
export const CsvImportQuery = Closed(importQuery);
export const CsvImportOfCustomerQuery = Closed({
  ...importQuery,
  customer_id: Type.Optional(
    Type.String({ format: 'uuid', description: 'the customer of rows that name none' }),
  ),
});

/** The same heading may stand in a file more than once. */
const Occurrence = Type.Integer({
  minimum: 1,
  maximum: 500,
  description: 'which one of several of that name',
});
/** The columns that an import knows, and what was chosen for headings, layout by layout, the latest first. */
export const ImportColumns = Type.Object({
  columns: Type.Array(StringEnum(EVERY_COLUMN)),
  layouts: Type.Array(
    Type.Object({
      headings: Type.Array(Type.String()),
      choices: Type.Array(
        Type.Object({
          heading: Type.String(),
          occurrence: Occurrence,
          column: StringEnum([...EVERY_COLUMN, 'ignore']),
        }),
      ),
    }),
  ),
});
export const UpdateImportColumnsRequest = Closed({
  headings: Type.Array(Text(1000), {
    minItems: 1,
    maxItems: 500,
    description: 'the heading of the file: the choices hold for every file that has these, in any order',
  }),
  choices: Type.Array(
    Closed({
      heading: Text(1000, 1),
      occurrence: Type.Optional(Occurrence),
      column: StringEnum([...EVERY_COLUMN, 'ignore', 'ask'], {
        description: 'ignore: is left out; ask: the choice is forgotten',
      }),
    }),
    { minItems: 1, maxItems: 500 },
  ),
});

/** A record that a row changes, or would change once it is confirmed. */
export const ImportChange = Type.Object({
  line: Type.Integer(),
  id: Type.String({ format: 'uuid', description: 'of the customer, contact or site' }),
  customer_id: Uuid,
  customer_number: Type.Integer(),
  name: Type.String({ description: 'before the change' }),
  matched_by: StringEnum(['customer_number', 'external_id', 'email', 'address', 'name']),
  to_confirm: Type.Boolean({ description: 'changed only when `confirm` names the line' }),
  fields: Type.Array(
    Type.Object({ field: Type.String(), old: Nullable(Type.String()), new: Nullable(Type.String()) }),
  ),
});
export type ImportChange = Static<typeof ImportChange>;
/**
 * Answer to a CSV import; with `dry_run=true` nothing is written. rows = taken + unconfirmed + refused,
 * taken = created + updated + unchanged.
 */
export const CsvImportReport = Type.Object({
  dry_run: Type.Boolean(),
  rows: Type.Integer(),
  taken: Type.Integer(),
  created: Type.Integer(),
  updated: Type.Integer(),
  unchanged: Type.Integer({ description: 'rows that say what is known already' }),
  unconfirmed: Type.Integer({ description: 'rows held back until `confirm` names them' }),
  refused: Type.Integer(),
  encoding: Type.String({ description: 'in which the file was read' }),
  encoding_from: StringEnum(['charset', 'mark', 'guessed'], {
    description: 'known by the content type, by the byte order mark, or guessed from the bytes',
  }),
  delimiter: Type.String(),
  system: Nullable(StringEnum(CSV_SYSTEMS, { description: 'whose export this is, told by its headings' })),
  columns: Type.Array(
    Type.Object({
      heading: Type.String(),
      occurrence: Type.Integer({ description: 'which one of several of that name' }),
      column: Nullable(StringEnum(EVERY_COLUMN)),
      by: StringEnum(['heading', 'system', 'choice', 'undecided', 'empty'], {
        description: 'undecided: nobody has chosen what it is; it is not taken',
      }),
      proposal: Nullable(
        StringEnum([...EVERY_COLUMN, 'ignore'], {
          description: 'what was chosen for this heading in a file of another layout',
        }),
      ),
      sample: Nullable(Type.String({ description: 'the first value in it' })),
    }),
  ),
  changes: Type.Array(ImportChange, { description: 'up to 1,000, those to confirm first' }),
  changes_total: Type.Integer(),
  problems: Type.Array(
    Type.Object({
      ...ErrorDetail.properties,
      line: Type.Integer({ description: 'line in the file, the header is 1' }),
      field: Nullable(Type.String({ description: 'null: the whole row' })),
    }),
  ),
});
