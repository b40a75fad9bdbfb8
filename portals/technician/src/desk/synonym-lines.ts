import { SYNONYM_LIMITS } from '@psa/contracts/limits';
import { groupsOf } from '@psa/contracts/synonyms';

/** What is wrong with a line, in the words of the catalogue. */
export interface LineProblem {
  /** Counted from one, as an editor does; null for the list as a whole. */
  readonly line: number | null;
  readonly text: string;
  readonly problem: 'alone' | 'words' | 'empty' | 'long' | 'many' | 'twice' | 'lines';
  readonly most: number;
}

/** The first thing wrong with each line; other spellings of one word the service finds. */
export function lineProblems(text: string): LineProblem[] {
  const problems: LineProblem[] = [];
  for (const [at, line] of text.split(/\r\n|\r|\n/).entries()) {
    const [group] = groupsOf(line);
    const found = group && problemOf(group);
    if (found) problems.push({ line: at + 1, text: line.trim().slice(0, 40), ...found });
  }
  const { groups } = SYNONYM_LIMITS;
  if (groupsOf(text).length > groups) problems.push({ line: null, text: '', problem: 'lines', most: groups });
  return problems;
}

function problemOf(group: readonly string[]): Pick<LineProblem, 'problem' | 'most'> | null {
  const { expressions, words, letters } = SYNONYM_LIMITS;
  const wordsIn = (expression: string) => expression.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (group.length < 2) return { problem: 'alone', most: 0 };
  if (group.length > expressions) return { problem: 'many', most: expressions };
  if (group.some((one) => wordsIn(one).length === 0)) return { problem: 'empty', most: 0 };
  if (group.some((one) => one.length > letters)) return { problem: 'long', most: letters };
  if (group.some((one) => wordsIn(one).length > words)) return { problem: 'words', most: words };
  const forms = group.map((one) => wordsIn(one).join(' ').toLowerCase());
  return new Set(forms).size < forms.length ? { problem: 'twice', most: 0 } : null;
}
