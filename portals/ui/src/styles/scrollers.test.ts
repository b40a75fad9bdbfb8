import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const PORTALS = new URL('../../../', import.meta.url);
const sheets = globSync('*/src/styles/*.css', { cwd: PORTALS.pathname }).map(
  (path) => [path, readFileSync(new URL(path, PORTALS), 'utf8')] as const,
);

/** Rules that scroll without being the ground on which what is absolute inside them stands. */
function unheld(css: string): string[] {
  return [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)]
    .filter(([, , body]) => /(^|[\s;])overflow(-[xy]|-block|-inline)?:\s*(auto|scroll)/.test(body!))
    .filter(([, , body]) => !/(^|[\s;])position:/.test(body!))
    .map(([, selector]) => selector!.trim());
}

// `.visually-hidden` is absolute: in a scroller that is not positioned it belongs to the page and makes that scroll.
it('whatever scrolls is positioned, so that nothing inside it makes the page scroll', () => {
  expect(sheets.length).toBeGreaterThan(10);
  expect(sheets.flatMap(([path, css]) => unheld(css).map((rule) => `${path}: ${rule}`))).toEqual([]);
});

it('sees a scroller that is not', () => {
  expect(unheld('.a { overflow-y: auto; } .b { position: relative; overflow: scroll; }')).toEqual(['.a']);
});
