import type { Page } from 'playwright-core';

/**
 * How the ring of the element with the focus is cut off or missing, in words; null where all of it is in view. What cuts:
 * the window, and every box around it that hides or scrolls what is beyond its edge.
 */
async function ringProblem(): Promise<string | null> {
  // Under "reduced motion" every change takes a millisecond: what is computed before is the state of before.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const element = document.activeElement;
  if (element === document.body) return 'end';
  if (!(element instanceof HTMLElement)) return null;
  const name = `<${element.tagName.toLowerCase()} class="${element.className}"> ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`;
  // The ring may stand around the element or around a box that shows the focus for it.
  const ringed = (one: Element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
  };
  const hidden = element.closest('label')?.querySelector('.checkbox-box, .switch-track');
  const inside = hidden ?? element.querySelector('[data-active]');
  let bearer: Element | null = inside && ringed(inside) ? inside : element;
  while (bearer && !ringed(bearer)) bearer = bearer.parentElement;
  if (!bearer) return element.id === 'content' ? null : `${name}: no ring`;
  const style = getComputedStyle(bearer);
  const out = Number.parseFloat(style.outlineWidth) + Number.parseFloat(style.outlineOffset);
  const reach = Math.max(0, out);
  // A pixel more or less is a matter of rounding.
  const SLACK = 1;
  const box = bearer.getBoundingClientRect();
  if (box.width <= 1 || box.height <= 1) return null;
  const ring = {
    left: box.left - reach,
    top: box.top - reach,
    right: box.right + reach,
    bottom: box.bottom + reach,
  };
  const cuts = (left: number, top: number, right: number, bottom: number) =>
    [
      ring.left < left - SLACK && 'left',
      ring.top < top - SLACK && 'top',
      ring.right > right + SLACK && 'right',
      ring.bottom > bottom + SLACK && 'bottom',
    ].filter(Boolean);
  const beyond = cuts(0, 0, innerWidth, innerHeight);
  if (beyond.length > 0) return `${name}: ring beyond the window, ${beyond.join(', ')}`;
  if (getComputedStyle(bearer).position === 'fixed') return null;
  for (let around = bearer.parentElement; around && around !== document.body; around = around.parentElement) {
    const { overflowX, overflowY, position, overflowClipMargin } = getComputedStyle(around);
    const margin = overflowX === 'clip' ? Number.parseFloat(overflowClipMargin) || 0 : 0;
    // Of a long text its line of the moment is what is scrolled to.
    const isLong = bearer instanceof HTMLTextAreaElement && /auto|scroll/.test(overflowY);
    if (!isLong && (overflowX !== 'visible' || overflowY !== 'visible')) {
      const { left, top } = around.getBoundingClientRect();
      const x = left + around.clientLeft;
      const y = top + around.clientTop;
      const cut = cuts(
        x - margin,
        y - margin,
        x + around.clientWidth + margin,
        y + around.clientHeight + margin,
      );
      if (cut.length > 0)
        return `${name}: ring cut off by <${around.tagName.toLowerCase()} class="${around.className}">, ${cut.join(', ')}`;
    }
    if (position === 'fixed') break;
  }
  return null;
}

/**
 * Goes through a page by the Tab key, from the top of its window or from its content; says whose ring is not wholly in
 * view.
 */
export async function ringProblems(page: Page, from: 'window' | 'content', most = 40): Promise<string[]> {
  const found = new Set<string>();
  await page.evaluate((start) => {
    if (start === 'content') document.getElementById('content')?.focus();
    else (document.activeElement as HTMLElement | null)?.blur?.();
  }, from);
  for (let step = 0; step < most; step += 1) {
    await page.keyboard.press('Tab');
    const problem = await page.evaluate(ringProblem);
    if (problem === 'end') break;
    if (problem) found.add(problem);
  }
  return [...found];
}
