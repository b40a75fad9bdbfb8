import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const PORTALS = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, PORTALS), 'utf8');
const files = (pattern: string) => globSync(pattern, { cwd: PORTALS.pathname });

/** Classes that are written out in a component. */
const used = (source: string) =>
  [...source.matchAll(/className="([^"]+)"/g)].flatMap(([, names]) => names!.split(/\s+/).filter(Boolean));
/** Classes that a sheet has a rule for. */
const ruled = (css: string) => [...css.matchAll(/\.([a-zA-Z][\w-]*)/g)].map(([, name]) => name!);

// A rule that is renamed or goes leaves what wore its class bare, and no type says so.
it('every class that a component wears has a rule', () => {
  const rules = new Set(files('*/src/styles/*.css').flatMap((path) => ruled(read(path))));
  expect(rules.size).toBeGreaterThan(100);
  const bare = files('*/src/**/*.tsx').flatMap((path) =>
    used(read(path))
      .filter((name) => !rules.has(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(bare).toEqual([]);
});

it('reads classes out of components and sheets', () => {
  expect(used('<a className="button quiet" /><b className="x" />')).toEqual(['button', 'quiet', 'x']);
  expect(ruled('.a > .b-c:hover { gap: 1.5rem; }')).toEqual(['a', 'b-c']);
});
