import type { Contact } from '@psa/app/api/types';
import { expect, it } from 'vitest';
import { changesOf, contactProblems, draftOf } from './contact-form.ts';

const anna = {
  id: 'a',
  name: 'Anna Reiter',
  email: 'anna@brauerei.example',
  phone: null,
  position: 'Leitung',
  is_primary: true,
} as Contact;

it('asks for a name and a whole address', () => {
  expect(contactProblems(draftOf(null))).toEqual({ name: 'name_missing' });
  expect(contactProblems({ ...draftOf(anna), email: 'anna@' })).toEqual({ email: 'email_invalid' });
  expect(contactProblems({ ...draftOf(anna), email: ' ' })).toBeNull();
});

it('sends a new contact whole, with null for what is open', () => {
  expect(changesOf({ ...draftOf(null), name: ' Josef  Hausner ', phone: '+49 8442 1' }, null)).toEqual({
    name: 'Josef  Hausner',
    email: null,
    phone: '+49 8442 1',
    position: null,
    is_primary: false,
  });
});

it('sends of a known contact only what differs', () => {
  expect(changesOf(draftOf(anna), anna)).toBeNull();
  expect(changesOf({ ...draftOf(anna), position: '', phone: '1' }, anna)).toEqual({
    phone: '1',
    position: null,
  });
});
