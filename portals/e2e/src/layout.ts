import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** What keeps a page from standing still in its window, in words; nothing where all is well. */
function unsteady(): string[] {
  const root = document.documentElement;
  const wrong: string[] = [];
  const nameOf = (element: Element) =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}">`;
  if (root.scrollHeight > window.innerHeight)
    wrong.push(`the document is ${root.scrollHeight} px high in a window of ${window.innerHeight}`);
  if (root.scrollWidth > window.innerWidth)
    wrong.push(`the document is ${root.scrollWidth} px wide in a window of ${window.innerWidth}`);
  for (const element of document.querySelectorAll('body *')) {
    const { overflowX, overflowY, position } = getComputedStyle(element);
    const scrolls = /auto|scroll/.test(overflowX + overflowY) && element.tagName !== 'TEXTAREA';
    if (scrolls && position === 'static') wrong.push(`${nameOf(element)} scrolls and is not positioned`);
  }
  for (const hidden of document.querySelectorAll('.visually-hidden')) {
    const { width, height } = hidden.getBoundingClientRect();
    if (width > 1.5 || height > 1.5)
      wrong.push(`${nameOf(hidden)} is hidden and takes ${Math.round(width)}×${Math.round(height)} px`);
  }
  return wrong;
}

/** Two frames: what was resized or wheeled is drawn, and the window tells its place. */
const drawn = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => done(window.scrollY))),
      ),
  );

/** Nothing but the content scrolls: the document is as large as the window, and nothing unseen makes anything long. */
export async function expectSteady(page: Page, what = page.url()): Promise<void> {
  // A window that was just resized is laid out anew a moment later; what is wrong then stays wrong.
  await expect.poll(() => page.evaluate(unsteady), { timeout: 5_000, message: what }).toEqual([]);
  await page.mouse.move(200, 400);
  await page.mouse.wheel(0, 4000);
  expect(await drawn(page), `${what} after the wheel`).toBe(0);
}
