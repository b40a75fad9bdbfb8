import { expect, it } from 'vitest';
import { lineProblems } from './synonym-lines.ts';

it('names the line and what is wrong with it, as an editor counts', () => {
  const many = Array.from({ length: 21 }, (_, i) => `w${i}`).join(' = ');
  const lines = [
    'drucker = printer',
    '# Bemerkung',
    '',
    'allein',
    'a = ---',
    `a = ${'b'.repeat(61)}`,
    'a b c d e = f',
    'Müller = MÜLLER!',
    many,
  ];
  expect(lineProblems(lines.join('\r\n')).map(({ line, problem, most }) => [line, problem, most])).toEqual([
    [4, 'alone', 0],
    [5, 'empty', 0],
    [6, 'long', 60],
    [7, 'words', 4],
    [8, 'twice', 0],
    [9, 'many', 20],
  ]);
  expect(lineProblems(Array.from({ length: 501 }, (_, i) => `a${i} = b${i}`).join('\n'))).toEqual([
    { line: null, text: '', problem: 'lines', most: 500 },
  ]);
  expect(lineProblems('')).toEqual([]);
});
