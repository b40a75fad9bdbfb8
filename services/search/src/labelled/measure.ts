import type { LabelledDocument } from './documents.ts';
import type { LabelledQuery, QueryKind } from './queries.ts';

/** Whether a reader would hand a document to whoever typed the query. */
export function isWanted({ about, title, text, phone }: LabelledDocument, wanted: string): boolean {
  const pattern = /^\/(.*)\/(i?)$/;
  return wanted.split(/\|(?![^/]*\/i?$)/).some((group) => {
    const parts = pattern.exec(group);
    if (parts) return new RegExp(parts[1]!, parts[2]).test(`${title}\n${text}\n${phone ?? ''}`);
    return group.split(' ').every((label) => about.has(label));
  });
}

/** What one query brought: places of documents, best first. */
export interface Answer {
  readonly query: LabelledQuery;
  readonly found: readonly number[];
}

interface Figures {
  readonly kind: QueryKind;
  readonly queries: number;
  /** Of what is wanted, the share that is found; the mean over the queries. */
  readonly recall: number;
  /** Of what is found, the share that is wanted. */
  readonly precision: number;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? 1 : values.reduce((sum, one) => sum + one, 0) / values.length;
const round = (value: number) => Math.round(value * 1000) / 1000;

/** Current is what goes on, and what was touched within so many days. */
const CURRENT_DAYS = 30;

/**
 * Recall and precision of each kind. Of `first`: how many of the first three hits are wanted and current, of as many as
 * there could be.
 */
export function figures(documents: readonly LabelledDocument[], answers: readonly Answer[]): Figures[] {
  return [...Map.groupBy(answers, ({ query }) => query.kind)].map(([kind, those]) => {
    const each = those.map(({ query, found }) => {
      const wanted = new Set(documents.flatMap((doc, i) => (isWanted(doc, query.wanted) ? [i] : [])));
      if (kind === 'first') {
        const isGood = (i: number) =>
          wanted.has(i) && (documents[i]!.open || documents[i]!.days <= CURRENT_DAYS);
        const most = Math.min(3, [...wanted].filter(isGood).length);
        const share = found.slice(0, 3).filter(isGood).length / most;
        return { recall: share, precision: share };
      }
      const right = found.filter((i) => wanted.has(i)).length;
      return {
        recall: wanted.size === 0 ? 1 : right / wanted.size,
        precision: found.length === 0 ? (wanted.size === 0 ? 1 : 0) : right / found.length,
      };
    });
    return {
      kind,
      queries: those.length,
      recall: round(mean(each.map((one) => one.recall))),
      precision: round(mean(each.map((one) => one.precision))),
    };
  });
}
