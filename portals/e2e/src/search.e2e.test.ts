import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSession, expectNoAxeViolations, launchBrowser, newSession, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform } from './platform.ts';

describe('the search page', () => {
  let platform: Platform;
  let browser: Browser;
  let session: BrowserSession;
  let page: Page;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    session = await newSession(browser, platform);
    page = session.page;
    await signIn(page, platform, ADMIN);
  });
  afterAll(async () => {
    await session?.close();
    await browser?.close();
    await platform?.stop();
  });

  it('narrows and sorts a search, and keeps it in the address', async () => {
    await page.goto('/search?q=printer');
    const hits = page.getByRole('list', { name: 'Suchergebnisse' });
    // A synonym of the list that ships.
    await hits
      .getByText(/drucker/i)
      .first()
      .waitFor();
    // No marks beside them, which would hang over the navigation.
    expect(await hits.evaluate((list) => getComputedStyle(list).listStyleType)).toBe('none');
    await page.getByLabel('Status').selectOption({ label: 'Erledigt' });
    await page.waitForURL((url) => url.search.includes('status=done'));
    await page.getByLabel('Sortierung').selectOption({ label: 'Neueste zuerst' });
    await page.getByLabel('Zuletzt geändert').selectOption({ label: 'Letzte 12 Monate' });
    await page.waitForURL(
      (url) =>
        url.searchParams.get('sort') === 'newest' &&
        url.searchParams.get('since') === '365' &&
        url.searchParams.get('types') === 'ticket',
    );
    await page.reload();
    expect(await page.getByLabel('Status').inputValue()).toBe('done');
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Filter zurücksetzen' }).click();
    await page.waitForURL((url) => !url.search.includes('status') && !url.search.includes('sort'));
    await page.getByLabel('Sortierung').selectOption({ label: 'Nach Fälligkeit' });
    await page.waitForURL((url) => url.search.includes('sort=due'));
    await hits.getByRole('listitem').first().waitFor();
  });
});
