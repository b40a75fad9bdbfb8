import { describe, expect, it } from 'vitest';
import { encodeFilter, parseFilter } from './filter.ts';
import { listPath, resetOf, viewAt, viewsOf } from './ticket-views.ts';

const saved = (id: string, query: string) => ({
  id,
  name: id,
  query,
  shared: false,
  owner_id: 'o',
  version: 1,
});
const views = viewsOf(
  [
    saved('vip', 'status=open&tag=vip'),
    saved('by-priority', 'status=open&sort=priority&order=desc'),
  ] as never,
  true,
);
const at = (query: string, from: string | null = null) => {
  const { view, changed } = viewAt(views, parseFilter(query), from);
  return [view?.id ?? null, changed];
};

describe('the views of the ticket list', () => {
  it('are known by their conditions, in whatever order', () => {
    expect(at('')).toEqual(['all', false]);
    expect(at('status=open')).toEqual(['open', false]);
    expect(at('assigned_to=me&status=open&sort=title&order=asc')).toEqual(['mine', false]);
    expect(at('status=open&sort=priority&order=desc')).toEqual(['by-priority', false]);
    expect(at('tag=vip&status=open')).toEqual(['vip', false]);
    expect(viewsOf([], false).some((view) => view.id === 'team')).toBe(false);
  });

  it('are gone back to from what was changed', () => {
    expect(at('status=open&assigned_to=me&priority=high', 'mine')).toEqual(['mine', true]);
    expect(at('priority=high')).toEqual([null, true]);
    expect(at('priority=high', 'gone')).toEqual([null, true]);
    const changed = parseFilter('status=open&assigned_to=me&priority=high&sort=title&order=asc');
    const { view } = viewAt(views, changed, 'mine');
    expect(listPath(changed, view)).toBe(
      '/tickets?status=open&priority=high&assigned_to=me&sort=title&order=asc&view=mine',
    );
    expect(encodeFilter(resetOf(view, changed))).toBe('status=open&assigned_to=me');
    expect(encodeFilter(resetOf(null, changed))).toBe('sort=title&order=asc');
    expect(listPath('')).toBe('/tickets');
  });
});
