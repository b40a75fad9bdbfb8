import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { loadDefinitions } from './definition.ts';
import { type Versions, withNewVersions } from './versions.ts';

const FILE = new URL('../versions.json', import.meta.url).pathname;

it('no template has changed without its version', async () => {
  const known = JSON.parse(await readFile(FILE, 'utf8').catch(() => '{}')) as Versions;
  const now = withNewVersions(known, loadDefinitions());
  await expect(`${JSON.stringify(now, null, 2)}\n`).toMatchFileSnapshot(FILE);
});

it('a change is seen, and only a new version is written down', () => {
  const known: Versions = { redis: { '1.0.0': 'a' } };
  const redis = (version: string, inputs: string) => [{ name: 'redis', version, inputs }];
  expect(withNewVersions(known, redis('1.0.0', 'a'))).toEqual(known);
  expect(() => withNewVersions(known, redis('1.0.0', 'b'))).toThrow('redis 1.0.0 would be made from');
  expect(withNewVersions(known, redis('1.1.0', 'b'))).toEqual({ redis: { '1.0.0': 'a', '1.1.0': 'b' } });
});
