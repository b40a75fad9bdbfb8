import { expect, it } from 'vitest';
import { progressTo } from './progress.ts';

/** What is written of an ordinary way there. */
function told(isTTY: boolean, json: boolean, columns?: number): string {
  let text = '';
  const progress = progressTo(
    { isTTY, columns, write: (more) => (text += Buffer.from(more).toString()) },
    json,
  );
  progress.start('Tickets', 4);
  progress.advance(3);
  progress.note('The platform is busy.');
  progress.advance();
  progress.end();
  return text;
}

it('is one line that is drawn over on a terminal, however wide that says it is', () => {
  for (const columns of [undefined, 0, 80]) {
    expect(told(true, false, columns)).toContain('\r\u001b[KTickets 4 of 4 [========================] 100 %');
  }
  for (const line of told(true, false, 20).split(/[\r\n]/)) {
    expect(line.replace('\u001b[K', '').length).toBeLessThan(22);
  }
  expect(told(true, false).endsWith('\r\u001b[K')).toBe(true);
});

it('is lines in a log', () => {
  expect(told(false, false)).toBe('Tickets 0 of 4\nThe platform is busy.\nTickets 4 of 4\n');
});

it('is an object a line for a program', () => {
  expect(
    told(false, true)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { progress: 'Tickets', done: 0, total: 4 },
    { note: 'The platform is busy.' },
    { progress: 'Tickets', done: 4, total: 4 },
  ]);
});

it('is quiet beside --json on a terminal, but for what explains a wait', () => {
  expect(told(true, true)).toBe('The platform is busy.\n');
});
