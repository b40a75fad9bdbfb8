import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { missingOptional } from './scripts/lock.ts';
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

  it('the lock file lists every package it names, else `npm ci` refuses it', () => {
    const lock = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
    expect(missingOptional(lock.packages)).toEqual([]);
    expect(missingOptional({ '': { optionalDependencies: { '@other/linux-arm64': '1.0.0' } } })).toEqual([
      { path: 'node_modules/@other/linux-arm64', version: '1.0.0' },
    ]);
  });
});
