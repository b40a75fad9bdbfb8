import type { HistoryEntry } from '@psa/app/api/types';
import { expect, it } from 'vitest';
import { timelineOf } from './timeline.ts';

let next = 0;
const entry = (
  kind: string,
  changes: HistoryEntry['changes'] = [],
  actor: Partial<HistoryEntry['actor']> = {},
): HistoryEntry => {
  next += 1;
  return {
    id: `h${next}`,
    occurred_at: `2026-11-21T10:${String(next).padStart(2, '0')}:00.000Z`,
    actor: { kind: 'staff', id: null, name: 'Svenja Arndt', ...actor },
    kind,
    changes,
    reason: null,
  };
};
const status = (from: string, to: string) => [{ field: 'status', from, to }];

it('tells the life of a ticket in plain words', () => {
  const history = [
    entry('created', [], { kind: 'customer', name: 'Anna Reiter' }),
    entry('changed', status('new', 'assigned')),
    entry('changed', status('assigned', 'in_progress')),
    entry('commented'),
    entry('changed', status('in_progress', 'waiting_customer')),
    entry('changed', status('waiting_customer', 'in_progress'), { kind: 'system', name: null }),
    entry('changed', status('in_progress', 'resolved')),
    entry('changed', status('resolved', 'in_progress'), { kind: 'customer', name: 'Anna Reiter' }),
    entry('changed', [{ field: 'priority', from: 'low', to: 'high' }]),
    entry('changed', status('in_progress', 'closed')),
    entry('changed', status('closed', 'new')),
  ];
  expect(timelineOf(history.toReversed()).map((step) => step.name)).toEqual([
    'created',
    'assigned',
    'started',
    'asked',
    'continued',
    'resolved',
    'reopened',
    'priority',
    'closed',
    'reopened',
  ]);
});

it('says who, but not "system"', () => {
  const [taken, asked] = timelineOf([
    entry('created'),
    entry('changed', status('new', 'waiting_customer'), { kind: 'system', name: 'PSA-Platform' }),
  ]);
  expect(taken).toMatchObject({ name: 'taken_down', who: 'Svenja Arndt' });
  expect(asked).toMatchObject({ name: 'asked', who: null });
});

it('leaves out what is no business of a customer', () => {
  expect(
    timelineOf([entry('assigned', [{ field: 'assigned_to', from: null, to: 'x' }]), entry('attached')]),
  ).toEqual([]);
});
