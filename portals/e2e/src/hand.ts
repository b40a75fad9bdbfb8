import type { Page } from 'playwright-core';

declare global {
  interface Window {
    acts?: number;
  }
}

/**
 * Counts what a hand does on a page from now on: presses of the mouse, and keys that are no text. Letters typed into a
 * field are the content of the work and count nothing; modifiers go with the key that they are held for.
 */
export async function countActs(page: Page): Promise<void> {
  await page.evaluate(() => {
    const isNew = window.acts === undefined;
    window.acts = 0;
    if (!isNew) return;
    const isText = ({ target, key, ctrlKey, metaKey }: KeyboardEvent) =>
      key.length === 1 &&
      !ctrlKey &&
      !metaKey &&
      target instanceof Element &&
      target.matches('input:not([type=radio], [type=checkbox]), textarea');
    const isModifier = ({ key }: KeyboardEvent) => ['Control', 'Shift', 'Alt', 'Meta'].includes(key);
    window.addEventListener('pointerdown', () => (window.acts = (window.acts ?? 0) + 1), true);
    window.addEventListener(
      'keydown',
      (event) => {
        if (!isText(event) && !isModifier(event)) window.acts = (window.acts ?? 0) + 1;
      },
      true,
    );
  });
}

/** How many it did since. */
export const acts = (page: Page): Promise<number> => page.evaluate(() => window.acts ?? Number.NaN);
