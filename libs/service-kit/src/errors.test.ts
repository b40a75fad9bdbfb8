import { DETAIL_CODES } from '@psa/contracts/detail-codes';
import Type, { type TSchema } from 'typebox';
import { expect, it } from 'vitest';
import { validationDetails } from './errors.ts';
import { ABOUT_ERRORS } from './openapi.ts';
import { validatorFor } from './validation.ts';

it('says of every keyword what it means, by a code and with the figures of a sentence', () => {
  const cases: [TSchema, unknown, object][] = [
    [Type.String({ minLength: 3 }), 'x', { code: 'too_short', values: { least: 3 } }],
    [Type.Array(Type.String(), { minItems: 2 }), ['x'], { code: 'too_few', values: { least: 2 } }],
    [Type.Array(Type.String(), { maxItems: 1 }), ['x', 'y'], { code: 'too_many', values: { most: 1 } }],
    [Type.Array(Type.String(), { uniqueItems: true }), ['x', 'x'], { code: 'duplicate' }],
    [Type.Integer({ minimum: 1 }), 0, { code: 'too_small', values: { least: 1 } }],
    [Type.Integer({ maximum: 9 }), 10, { code: 'too_large', values: { most: 9 } }],
    [Type.String({ format: 'uuid' }), 'x', { code: 'wrong_form', values: { form: 'uuid' } }],
    [Type.String({ pattern: '^a' }), 'b', { code: 'wrong_form' }],
    [Type.Literal('a'), 'b', { code: 'unknown_value' }],
    [Type.Integer(), 'x', { code: 'wrong_type' }],
    [Type.Integer({ multipleOf: 2 }), 3, { code: 'not_valid' }],
  ];
  for (const [schema, value, said] of cases) {
    const judge = validatorFor(Type.Object({ it: schema }), 'body');
    expect(judge({ it: value })).toBe(false);
    expect(validationDetails(judge.errors ?? [], 'body')).toEqual([
      { field: 'it', message: expect.any(String), ...said },
    ]);
  }
});

it('lists every code for those who read the API', () => {
  for (const code of Object.keys(DETAIL_CODES)) expect(ABOUT_ERRORS).toContain(`\`${code}\`: `);
});
