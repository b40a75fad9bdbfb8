import { CreateTicketRequest } from '@psa/contracts/tickets';
import fc from 'fast-check';
import Value from 'typebox/value';
import { expect, it } from 'vitest';
import { draftProblems, EMPTY_DRAFT, toRequest } from './new-ticket-form.ts';

it('asks for what is missing', () => {
  expect(draftProblems(EMPTY_DRAFT)).toEqual({ title: 'subject_short', description: 'description_missing' });
  expect(draftProblems({ ...EMPTY_DRAFT, title: ' \t PC ', description: '\n' })).toEqual({
    title: 'subject_short',
    description: 'description_missing',
  });
  expect(draftProblems({ ...EMPTY_DRAFT, title: 'x'.repeat(201), description: 'y'.repeat(50_001) })).toEqual({
    title: 'subject_long',
    description: 'description_long',
  });
});

it('sends one line and no empty category', () => {
  expect(
    toRequest({
      title: ' Drucker\n druckt\tnicht ',
      description: ' Seit heute. ',
      priority: 'high',
      category: '',
    }),
  ).toEqual({
    title: 'Drucker  druckt nicht',
    description: 'Seit heute.',
    priority: 'high',
  });
});

it('sends nothing that the contract refuses', () => {
  const draft = fc.record({
    title: fc.string({ unit: 'binary', maxLength: 220 }),
    description: fc.string({ unit: 'binary', maxLength: 60 }),
    priority: fc.constantFrom('low' as const, 'medium' as const, 'high' as const, 'critical' as const),
    category: fc.constantFrom('', 'Drucker'),
  });
  fc.assert(
    fc.property(draft, (typed) => {
      fc.pre(draftProblems(typed) === null);
      expect(Value.Check(CreateTicketRequest, toRequest(typed))).toBe(true);
    }),
  );
});
