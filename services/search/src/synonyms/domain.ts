import type { ErrorDetail } from '@psa/contracts/common';
import { SYNONYM_LIMITS } from '@psa/contracts/limits';
import { foldText } from '@psa/domain/text';

/** What is wrong with a list, by its place: an expression without a word finds nothing, one of many is no expression. */
export function problemsOf(groups: readonly (readonly string[])[]): ErrorDetail[] {
  const problems: ErrorDetail[] = [];
  for (const [line, group] of groups.entries()) {
    const seen = new Set<string>();
    for (const [place, expression] of group.entries()) {
      const field = `groups[${line}][${place}]`;
      const words = expression.match(/[\p{L}\p{N}]+/gu) ?? [];
      const form = foldText(words.join(' '));
      if (words.length === 0)
        problems.push({ field, code: 'empty', message: 'has no word that could be searched for' });
      else if (words.length > SYNONYM_LIMITS.words)
        problems.push({
          field,
          code: 'too_many',
          message: `has more than ${SYNONYM_LIMITS.words} words`,
          values: { most: SYNONYM_LIMITS.words },
        });
      else if (seen.has(form))
        problems.push({ field, code: 'duplicate', message: 'stands twice in its line' });
      seen.add(form);
    }
  }
  return problems;
}

const MOST_TOLD = 100;

/** Lines that a change brings and takes, as the history tells them. */
export function difference(
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
): { added: string[]; removed: string[] } {
  const lines = (groups: readonly (readonly string[])[]) => groups.map((group) => group.join(' = '));
  const [old, now] = [lines(before), lines(after)];
  const without = (some: string[], others: string[]) => {
    const known = new Set(others);
    return some.filter((line) => !known.has(line)).slice(0, MOST_TOLD);
  };
  return { added: without(now, old), removed: without(old, now) };
}
