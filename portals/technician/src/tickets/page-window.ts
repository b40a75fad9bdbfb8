/** Rows per request, the most the API gives. */
export const PAGE_SIZE = 100;
/** Pages by number reach this far into a list (the API refuses greater offsets). */
export const MAX_PAGES = 2001;
export const MAX_ROWS = MAX_PAGES * PAGE_SIZE;

export const pageOf = (index: number) => Math.floor(index / PAGE_SIZE) + 1;

/** Rows that can be shown of `total`. */
export const reachable = (total: number) => Math.min(Math.max(0, Math.trunc(total)), MAX_ROWS);

/**
 * Numbers (from 1) of the pages that rows `first` to `last` need, and the next one when the end of the window
 * is near its end, so that scrolling meets rows and not bars. Ascending, at most `most` pages.
 */
export function pagesFor(first: number, last: number, count: number, most = 4): number[] {
  if (count <= 0 || last < first) return [];
  const lastPage = pageOf(reachable(count) - 1);
  const from = Math.min(lastPage, pageOf(Math.max(0, first)));
  const to = Math.min(lastPage, pageOf(Math.max(0, last) + PAGE_SIZE / 4));
  return Array.from({ length: Math.min(most, to - from + 1) }, (_, i) => from + i);
}

/** Whether two windows of rows need the same pages, however long the list. */
export const samePages = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  String(pagesFor(...a, MAX_ROWS)) === String(pagesFor(...b, MAX_ROWS));
