import { expect, it } from 'vitest';
import { releaseBefore } from './release-before.ts';

const entry = (
  action: 'deploy' | 'rollback',
  from: string,
  to: string,
  outcome: 'done' | 'rolled_back' | 'failed' = 'done',
  service = 'crm',
) => ({ action, outcome, from: { [service]: from }, to: { [service]: to } });

it('is what the last deploy replaced', () => {
  expect(releaseBefore([entry('deploy', '1', '2')], 'crm', '2')).toBe('1');
  expect(releaseBefore([entry('deploy', '1', '2'), entry('deploy', '2', '3')], 'crm', undefined)).toBe('2');
});

it('is none where nothing was deployed yet, or not to this service', () => {
  expect(releaseBefore([], 'crm', '1')).toBeUndefined();
  expect(releaseBefore([entry('deploy', '1', '2')], 'auth', '1')).toBeUndefined();
  expect(releaseBefore([entry('deploy', '1', '1')], 'crm', '1')).toBeUndefined();
});

it('goes further back the second time, and no step forward', () => {
  const history = [entry('deploy', '1', '2'), entry('deploy', '2', '3'), entry('rollback', '3', '2')];
  expect(releaseBefore(history, 'crm', '2')).toBe('1');
  expect(releaseBefore([...history, entry('rollback', '2', '1')], 'crm', '1')).toBeUndefined();
});

it('is never a release that was taken back, by itself, by hand, or half', () => {
  const before = [entry('deploy', '1', '2')];
  expect(releaseBefore([...before, entry('deploy', '2', '3', 'rolled_back')], 'crm', '2')).toBe('1');
  expect(releaseBefore([...before, entry('deploy', '2', '3', 'failed')], 'crm', '2')).toBe('1');
  // A deploy that was cut short, and then rolled back.
  expect(releaseBefore([...before, entry('rollback', '3', '2')], 'crm', '2')).toBe('1');
  expect(releaseBefore([entry('rollback', '3', '2')], 'crm', '2')).toBeUndefined();
});

it('goes from what runs, also where that was brought there past the history', () => {
  const history = [entry('deploy', '1', '2'), entry('deploy', '2', '3')];
  expect(releaseBefore(history, 'crm', '2')).toBe('1');
  expect(releaseBefore(history, 'crm', '9')).toBeUndefined();
});
