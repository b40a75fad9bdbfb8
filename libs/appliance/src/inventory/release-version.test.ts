import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byRelease, isReleaseVersion, RELEASE_VERSION } from './release-version.ts';

it('sorts releases oldest first, pre-releases before their release and their numbers as numbers', () => {
  const sorted = [
    '0.9.10',
    '1.0.0-alpha',
    '1.0.0-rc.2',
    '1.0.0-rc.9',
    '1.0.0-rc.10',
    '1.0.0',
    '1.2.0',
    '1.10.0',
  ];
  expect([...sorted].reverse().sort(byRelease)).toEqual(sorted);
});

it('refuses what has no order', () => {
  for (const text of [
    '1.2',
    'v1.2.0',
    '01.2.0',
    '1.2.0-',
    '1.2.0-rc..1',
    '1.2.0-rc.01',
    '1.2.0+7',
    '1.2.0-a-b',
    ' 1.2.0',
    '9'.repeat(10),
  ])
    expect([text, isReleaseVersion(text)]).toEqual([text, false]);
});

it('can compare every version that it takes', () => {
  const version = fc.stringMatching(new RegExp(RELEASE_VERSION));
  fc.assert(
    fc.property(version, version, (a, b) => {
      expect(Math.sign(byRelease(a, b)) + Math.sign(byRelease(b, a))).toBe(0);
    }),
  );
});
