import { expect, it } from 'vitest';
import { findPage, matchPath } from './match.ts';

it('reads what an address names', () => {
  expect(matchPath('/', '/')).toEqual({});
  expect(matchPath('/tickets/:id', '/tickets/7')).toEqual({ id: '7' });
  expect(matchPath('/tickets/:id', '/tickets/7/')).toEqual({ id: '7' });
  expect(matchPath('/tickets/:id', '/tickets/M%C3%BCller%20%26%20Co')).toEqual({ id: 'Müller & Co' });
  // Typed by hand, and no reason to break.
  expect(matchPath('/tickets/:id', '/tickets/100%')).toEqual({ id: '100%' });
  for (const other of ['/', '/tickets', '/tickets/7/edit', '/customers/7'])
    expect(matchPath('/tickets/:id', other)).toBeNull();
});

it('prefers the page that names the whole address, wherever it stands', () => {
  const pages = [{ path: '/tickets/:id' }, { path: '/tickets/new' }, { path: '/' }];
  expect(findPage(pages, '/tickets/new')?.page.path).toBe('/tickets/new');
  expect(findPage(pages, '/tickets/7')).toEqual({ page: pages[0], params: { id: '7' } });
  expect(findPage(pages, '')?.page.path).toBe('/');
  expect(findPage(pages, '/nothing')).toBeNull();
});
