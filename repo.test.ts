import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { argumentOrder } from './scripts/argument-order.ts';
import { cliRooms } from './scripts/cli-rooms.ts';
import { documentGuards } from './scripts/document-guards.ts';
import { labRooms } from './scripts/lab-rooms.ts';
import { entryOf, missingOptional, withoutArchive, withoutIntegrity } from './scripts/lock.ts';
import { oneHome } from './scripts/one-home.ts';
import { GUARDS, repoFiles } from './scripts/repo-guards.ts';

const files = repoFiles(import.meta.dirname);

describe('the repository keeps its own rules', () => {
  it('finds its files', () => {
    expect(files.map((file) => file.path)).toContain('repo.test.ts');
  });

  for (const guard of [...GUARDS, ...documentGuards, ...oneHome, labRooms, cliRooms, argumentOrder]) {
    it(guard.name, () => {
      expect(guard.check(files)).toEqual([]);
    });

    it(`${guard.name}: fires on a planted violation`, () => {
      expect(guard.check(guard.planted)).not.toEqual([]);
    });
  }

  it('has no symbolic links, of which an archive or a checkout without them makes texts', () => {
    const links = files.filter(({ path }) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink());
    expect(links.map(({ path }) => path)).toEqual([]);
  });

  it('the programs of made-up containers can be run: the machine has its own behind each of them', () => {
    const folder = new URL('lab/src/runtime/fake/programs/', import.meta.url);
    const programs = readdirSync(folder);
    expect(programs.length).toBeGreaterThan(20);
    const dead = programs.filter((name) => {
      const file = new URL(name, folder);
      return !readFileSync(file, 'utf8').startsWith('#!') || (lstatSync(file).mode & 0o100) === 0;
    });
    expect(dead).toEqual([]);
  });

  it('the lock file lists every package it names, else `npm ci` refuses it', () => {
    const lock = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
    expect(missingOptional(lock.packages)).toEqual([]);
    const optionalDependencies = { '@other/linux-arm64': '1.0.0' };
    expect(missingOptional({ '': { optionalDependencies } })).toEqual([
      { path: 'node_modules/@other/linux-arm64', version: '1.0.0', dev: false },
    ]);
  });

  it('the lock file pins the bytes of every package, else `npm ci` takes what it is given', () => {
    const lock = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
    expect(withoutIntegrity(lock.packages)).toEqual([]);
    expect(withoutArchive(lock.packages)).toEqual([]);
    const planted = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { link: true },
      'libs/c': {},
    };
    expect(withoutIntegrity(planted)).toEqual(['node_modules/a']);
    expect(withoutArchive(planted)).toEqual(['node_modules/a']);
    const missing = { path: 'node_modules/@other/linux-x64-musl', version: '1.0.0', dev: true };
    const answer = { 'dist.integrity': 'sha512-x', os: ['linux'], cpu: ['x64'], libc: ['musl'] };
    expect(entryOf(missing, answer)).toMatchObject({ integrity: 'sha512-x', libc: ['musl'], dev: true });
    expect(() => entryOf(missing, {})).toThrow('no digest of @other/linux-x64-musl@1.0.0');
  });
});
