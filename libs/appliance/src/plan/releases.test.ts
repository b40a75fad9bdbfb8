import { expect, it } from 'vitest';
import { knownRelease, releaseOf } from './releases.ts';

it('knows the releases that psactl works on, and takes another for the nearest of them', () => {
  const rows = ['8.4.1', '9.2', '7.4', '10.0'].map((version) => [
    knownRelease(version)?.main ?? null,
    releaseOf(version).ha,
  ]);
  expect(rows).toEqual([
    [8, 'groups'],
    [9, 'rules'],
    [null, 'groups'],
    [null, 'rules'],
  ]);
});
