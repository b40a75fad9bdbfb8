import { expect, it } from 'vitest';
import { topicMatcher } from './topics.ts';

it.each([
  ['#', 'ticket.opened.v1', true],
  ['#', '', true],
  ['ticket.*.v1', 'ticket.opened.v1', true],
  ['ticket.*.v1', 'ticket.opened.v2', false],
  ['ticket.*', 'ticket.opened.v1', false],
  ['ticket.#', 'ticket.opened.v1', true],
  ['ticket.#', 'ticket', true],
  ['ticket.#', 'tickets.opened.v1', false],
  ['#.v1', 'ticket.opened.v1', true],
  ['#.v1', 'v1', true],
  ['*.opened.#', 'ticket.opened.v1', true],
  ['#.opened.#.v1', 'a.b.opened.c.v1', true],
  ['#.opened.#.v1', 'a.b.opened.c.v2', false],
  ['ticket.opened.v1', 'ticket.opened.v1', true],
  ['*', 'ticket.opened.v1', false],
])('%s and %s: %s', (pattern, type, expected) => {
  expect(topicMatcher([pattern])(type)).toBe(expected);
  expect(topicMatcher(['other.type.v9', pattern])(type)).toBe(expected);
});

it('matches nothing without a pattern', () => {
  expect(topicMatcher([])('ticket.opened.v1')).toBe(false);
});
