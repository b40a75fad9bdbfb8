import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readView, statusesOf, TABS, viewPath } from './list-view.ts';

const parse = (path: string) => readView(new URL(path, 'http://x').searchParams);

it('reads an address and knows its defaults', () => {
  expect(parse('/')).toEqual({ tab: 'open', search: '' });
  expect(parse('/?tab=closed&q=%20Drucker%20')).toEqual({ tab: 'closed', search: 'Drucker' });
  expect(parse('/?tab=nonsense')).toEqual({ tab: 'open', search: '' });
});

it('writes the shortest address', () => {
  expect(viewPath({ tab: 'open', search: '' })).toBe('/');
  expect(viewPath({ tab: 'closed', search: 'C&A' })).toBe('/?tab=closed&q=C%26A');
});

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TABS), fc.string({ maxLength: 200, unit: 'grapheme' }), (tab, text) => {
      const view = parse(viewPath({ tab, search: text.trim().slice(0, 200).trim() }));
      expect(view).toEqual({ tab, search: text.trim().slice(0, 200).trim() });
      expect(parse(viewPath(view))).toEqual(view);
    }),
  );
});

it('shows every status under open or closed', () => {
  const shown = `${statusesOf('open')},${statusesOf('closed')}`.split(',');
  expect(shown.sort()).toEqual(['assigned', 'closed', 'in_progress', 'new', 'resolved', 'waiting_customer']);
});
