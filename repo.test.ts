import { describe, expect, it } from 'vitest';
import { GUARDS, repoFiles } from './scripts/repo-guards.ts';

const files = repoFiles(import.meta.dirname);

describe('the repository keeps its own rules', () => {
  it('finds its files', () => {
    expect(files.map((file) => file.path)).toContain('repo.test.ts');
  });

  for (const guard of GUARDS) {
    it(guard.name, () => {
      expect(guard.check(files)).toEqual([]);
    });

    it(`${guard.name}: fires on a planted violation`, () => {
      expect(guard.check(guard.planted)).not.toEqual([]);
    });
  }
});
