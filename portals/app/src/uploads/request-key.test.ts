import { expect, it } from 'vitest';
import { ApiError } from '../api/error.ts';
import { outcomeOf, RequestKey } from './request-key.ts';

const error = (status: number, code: string) => new ApiError({ status, code, message: '' });

it.each([
  [error(0, 'NETWORK_ERROR'), 'unknown'],
  [error(0, 'TIMEOUT'), 'unknown'],
  [error(201, 'INVALID_RESPONSE'), 'unknown'],
  [error(503, 'SERVICE_UNAVAILABLE'), 'unknown'],
  [error(400, 'VALIDATION_ERROR'), 'refused'],
  [error(403, 'PERMISSION_DENIED'), 'refused'],
  [error(409, 'IDEMPOTENCY_CONFLICT'), 'arrived'],
  [new Error('anything'), 'unknown'],
] as const)('%s is %s', (thrown, outcome) => {
  expect(outcomeOf(thrown)).toBe(outcome);
});

it('keeps its key until the outcome is certain', () => {
  const key = new RequestKey();
  const first = key.value;
  key.failed(error(0, 'TIMEOUT'));
  expect(key.value).toBe(first);
  key.failed(error(400, 'VALIDATION_ERROR'));
  const second = key.value;
  expect(second).not.toBe(first);
  key.succeeded();
  expect(key.value).not.toBe(second);
});
