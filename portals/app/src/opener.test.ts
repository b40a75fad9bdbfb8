import { expect, it } from 'vitest';
import { contactThen, openerOf } from './opener.ts';

const jonas = { id: 'j', name: 'Jonas Petersen' };
const anna = { id: 'a', name: 'Anna Reiter' };
const company = { id: 'c', name: 'Brauerei' };
const ticket = {
  created_by: 'j',
  creator: jonas,
  requester: null,
  contact: null,
  customer: company,
  source: 'phone' as const,
};

it('tells who entered a ticket from for whom it is', () => {
  expect(openerOf({ ...ticket, contact: anna })).toEqual({ entrant: jonas, beneficiary: anna });
  expect(openerOf({ ...ticket, requester: anna })).toEqual({ entrant: jonas, beneficiary: anna });
  expect(openerOf(ticket)).toEqual({ entrant: jonas, beneficiary: company });
});

it('names one person once who entered it for themselves', () => {
  const own = { ...ticket, created_by: 'a', creator: anna, requester: anna, source: 'portal' as const };
  expect(openerOf(own)).toEqual({ entrant: anna, beneficiary: null });
  expect(openerOf({ ...own, creator: null })).toEqual({ entrant: anna, beneficiary: null });
  expect(openerOf({ ...own, requester: null })).toEqual({ entrant: anna, beneficiary: null });
});

it('makes nobody the entrant of an imported ticket', () => {
  const imported = { ...ticket, created_by: null, creator: null, source: 'import' as const, contact: anna };
  expect(openerOf(imported)).toEqual({ entrant: null, beneficiary: anna });
});

it('knows whom a ticket was for when it was opened', () => {
  expect(contactThen({ changes: [{ field: 'contact_id', from: null, to: 'a' }] })).toBe('a');
  expect(contactThen({ changes: [] })).toBeNull();
  expect(contactThen(null)).toBeNull();
});
