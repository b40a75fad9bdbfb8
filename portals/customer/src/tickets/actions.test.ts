import { expect, it } from 'vitest';
import { actionsOf } from './actions.ts';

it('closes what is open', () => {
  expect(actionsOf({ status: 'in_progress', allowed_transitions: ['closed'] })).toEqual([
    { name: 'close', status: 'closed' },
  ]);
});

it('does not offer to take a waiting ticket on: that is what a reply does', () => {
  expect(
    actionsOf({ status: 'waiting_customer', allowed_transitions: ['new', 'in_progress', 'closed'] }),
  ).toEqual([{ name: 'close', status: 'closed' }]);
});

it('asks yes or no about a solution', () => {
  expect(actionsOf({ status: 'resolved', allowed_transitions: ['new', 'in_progress', 'closed'] })).toEqual([
    { name: 'confirm', status: 'closed' },
    { name: 'reopen_resolved', status: 'in_progress' },
  ]);
});

it('reopens into the queue when nobody has the ticket', () => {
  expect(actionsOf({ status: 'closed', allowed_transitions: ['new'] })).toEqual([
    { name: 'reopen', status: 'new' },
  ]);
});

it('offers nothing that the server does not allow', () => {
  expect(actionsOf({ status: 'closed', allowed_transitions: [] })).toEqual([]);
  expect(actionsOf({ status: 'new' })).toEqual([]);
});
