import { expect, it } from 'vitest';
import { helpersFirst } from './choices.ts';

const people = ['admin', 'dispatch', 'jonas', 'lena', 'mira'].map((id) => ({ id }));
const teams = [
  { id: 'first-line', member_ids: ['mira', 'jonas'] },
  { id: 'network', member_ids: ['lena'] },
];
const order = (team: string | null) => helpersFirst(people, teams, team).map(({ id }) => id);

it('puts the team of the ticket first, those of no team last, and keeps the order among equals', () => {
  expect(order('first-line')).toEqual(['jonas', 'mira', 'lena', 'admin', 'dispatch']);
  expect(order('network')).toEqual(['lena', 'jonas', 'mira', 'admin', 'dispatch']);
  expect(order(null)).toEqual(['jonas', 'lena', 'mira', 'admin', 'dispatch']);
  expect(helpersFirst(people, [], null)).toEqual(people);
});
