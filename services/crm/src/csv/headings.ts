import { CSV_COLUMNS, type CsvColumn, type CsvKind, type CsvSystem } from '@psa/contracts/csv';
import { foldText } from '@psa/domain/text';
import { ALIASES } from './aliases.ts';

/** Marks of fields that must be filled, as templates for imports have them: `[required] Name`, `Name*`. */
const REQUIRED = /^\s*\[required\s*\*?\]/i;

/** Headings are the same when only case, accents, spaces or punctuation differ. */
export function headingKey(text: string): string {
  const plain = text.replace(REQUIRED, '');
  return foldText(plain).replace(/[^\p{L}\p{N}]/gu, '') || plain.trim().toLowerCase();
}

/** A heading among those of its file: its key, and which one of several of that key it is. */
export interface Place {
  readonly key: string;
  readonly occurrence: number;
}
export const placeKey = ({ key, occurrence }: Place) => (occurrence === 1 ? key : `${key}#${occurrence}`);

/** The places of the cells of a heading; a key is empty where there is no heading. */
export function placesOf(cells: readonly string[]): Place[] {
  const seen = new Map<string, number>();
  return cells.map((cell) => {
    const key = headingKey(cell);
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    return { key, occurrence };
  });
}

const byName = (kind: CsvKind) =>
  new Map<string, CsvColumn>(
    Object.entries(ALIASES[kind]).flatMap(([column, aliases]) =>
      [column, ...aliases].map((name) => [headingKey(name), column as CsvColumn] as const),
    ),
  );
const BY_NAME: Readonly<Record<CsvKind, ReadonlyMap<string, CsvColumn>>> = {
  customers: byName('customers'),
  contacts: byName('contacts'),
  sites: byName('sites'),
};

/** What was chosen for a heading: a column, or that it is left out. */
export type Choice = CsvColumn | 'ignore';
/** True for a choice that a file of this kind can make. */
export const isChoiceOf = (kind: CsvKind, choice: string): boolean =>
  choice === 'ignore' || (CSV_COLUMNS[kind] as readonly string[]).includes(choice);

/** What is known of the headings of one file besides their names. */
export interface Meanings {
  /** Chosen for files of this layout, by {@link placeKey}. */
  readonly chosen: ReadonlyMap<string, Choice>;
  /** What the system whose export this is means by them, by {@link headingKey}. */
  readonly system: { readonly name: CsvSystem; readonly columns: ReadonlyMap<string, Choice> } | null;
  /** Chosen for the same heading in another layout, by {@link placeKey}. */
  readonly proposed: ReadonlyMap<string, Choice>;
}

/** One cell of the heading and what becomes of the cells below it. */
export interface Heading {
  /** As it stands in the file, without space around it; empty for a surplus cell. */
  readonly heading: string;
  readonly occurrence: number;
  /** Null: its cells are not taken. */
  readonly column: CsvColumn | null;
  /** Why: the heading says so, its system does, somebody chose it, or nobody has chosen yet. */
  readonly by: 'heading' | 'system' | 'choice' | 'undecided' | 'empty';
  readonly proposal: Choice | null;
}

/** True for a heading that says by its name what it is. */
export const isNamed = (kind: CsvKind, cell: string): boolean => BY_NAME[kind].has(headingKey(cell));

/**
 * What each column of a file is. Choices go before what a system means, and that before names, so that a heading that
 * means something else here can be told so; the first of two headings for the same column is taken, and the other left
 * for a choice.
 */
export function readHeading(kind: CsvKind, cells: readonly string[], meanings: Meanings): Heading[] {
  const taken = new Set<CsvColumn>();
  const claim = (column: CsvColumn): CsvColumn | null => {
    if (taken.has(column)) return null;
    taken.add(column);
    return column;
  };
  /** Null: not decided in this way. */
  const settle = (choice: Choice | undefined): { column: CsvColumn | null } | null => {
    if (choice === undefined) return null;
    if (choice === 'ignore') return { column: null };
    const column = claim(choice);
    return column && { column };
  };
  const places = placesOf(cells);
  const chosen = places.map((place) => settle(meanings.chosen.get(placeKey(place))));
  const meant = places.map(({ key, occurrence }, i) =>
    chosen[i] || occurrence > 1 ? null : settle(meanings.system?.columns.get(key)),
  );
  return cells.map((cell, i): Heading => {
    const { key, occurrence } = places[i]!;
    const heading = { heading: cell.trim(), occurrence, proposal: null };
    if (key === '') return { ...heading, column: null, by: 'empty' };
    const choice = chosen[i];
    if (choice) return { ...heading, ...choice, by: 'choice' };
    const system = meant[i];
    if (system) return { ...heading, ...system, by: 'system' };
    const named = BY_NAME[kind].get(key);
    const column = named === undefined ? null : claim(named);
    if (column !== null) return { ...heading, column, by: 'heading' };
    const proposal = meanings.proposed.get(placeKey(places[i]!)) ?? null;
    return { ...heading, column: null, by: 'undecided', proposal };
  });
}
