import type { Ticket } from '@psa/app/api/types';
import { expect, it } from 'vitest';
import { differences } from './conflict.ts';

const ticket = {
  title: 'Drucker',
  status: 'new',
  tags: ['a'],
  assigned_to: null,
  version: 1,
} as unknown as Ticket;

it('names what somebody else changed, field by field', () => {
  expect(differences(ticket, { ...ticket, status: 'assigned', assigned_to: 'u1', version: 2 })).toEqual([
    { field: 'status', before: 'new', now: 'assigned' },
    { field: 'assigned_to', before: null, now: 'u1' },
  ]);
});

it('sees no difference in bookkeeping, and none between equal lists', () => {
  expect(differences(ticket, { ...ticket, tags: ['a'], version: 5, comment_count: 9 })).toEqual([]);
});
