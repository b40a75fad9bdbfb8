import type { BackupState } from '@psa/recovery/shelf';
import { expect, it } from 'vitest';
import type { Catalogued } from '../backup/catalogue.ts';
import { latestOf } from './choose.ts';

const backup = (id: string, state: BackupState, tier: string | null = 'son') =>
  ({ id, state, manifest: { kind: 'container', tier } }) as Catalogued;

it('takes the newest good one, and not what a restore has just saved', () => {
  const saved = backup('saved', 'good', null);
  const backups = [saved, backup('away', 'elsewhere'), backup('good', 'good'), backup('older', 'good')];
  expect(latestOf(backups).map(({ id }) => id)).toEqual(['good']);
  expect(latestOf([saved])).toEqual([]);
});

it('names the newest where none is good, so that it is said what is wrong with it', () => {
  const backups = [backup('away', 'elsewhere'), backup('damaged', 'damaged')];
  expect(latestOf(backups).map(({ id }) => id)).toEqual(['away']);
  expect(latestOf([])).toEqual([]);
});
