import { expect, it } from 'vitest';
import { PAGES } from './pages.ts';
import { SHORTCUTS } from './shortcuts.ts';

const sources = import.meta.glob<string>(['./**/*.tsx', '../../ui/src/components/palette-host.tsx'], {
  eager: true,
  query: '?raw',
  import: 'default',
});
/** What the pages bind, as `useHotkeys` is given it. */
const bound = new Set(
  Object.values(sources).flatMap((text) =>
    [...text.matchAll(/\{\s*keys: '([^']+)'/g)].map(([, keys]) => keys),
  ),
);

it('the map of shortcuts has every one that a page binds, and no other', () => {
  const listed = new Set<string>(SHORTCUTS.flatMap(({ entries }) => entries.map(({ keys }) => keys)));
  expect(bound.size).toBeGreaterThan(10);
  expect([...bound].filter((keys) => !listed.has(keys ?? ''))).toEqual([]);
  expect([...listed].filter((keys) => !bound.has(keys))).toEqual([]);
});

it('one key does one thing where it works', () => {
  const everywhere = [
    ...PAGES.flatMap(({ keys }) => (keys ? [keys] : [])),
    ...SHORTCUTS[0].entries.map(({ keys }) => keys as string),
  ];
  expect(new Set(everywhere).size).toBe(everywhere.length);
  for (const { entries } of SHORTCUTS.slice(1)) {
    const here = [...everywhere, ...entries.map(({ keys }) => keys as string)];
    expect(new Set(here).size).toBe(here.length);
  }
});
