import { expect, it } from 'vitest';
import { ApiError, isUnknownAddress } from './error.ts';

const error = (status: number, field: string) =>
  new ApiError({ status, code: 'X', message: '', details: [{ field, message: 'must be a uuid' }] });

it('takes a bad id in the address for a page that is not there, and no other bad input', () => {
  expect(isUnknownAddress(error(400, 'id'))).toBe(true);
  expect(isUnknownAddress(error(404, 'x'))).toBe(true);
  expect(isUnknownAddress(error(400, 'title'))).toBe(false);
  expect(isUnknownAddress(error(409, 'id'))).toBe(false);
  expect(isUnknownAddress(new Error('id'))).toBe(false);
  expect(isUnknownAddress(null)).toBe(false);
});
