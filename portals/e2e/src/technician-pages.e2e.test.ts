import { gzipSync } from 'node:zlib';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

/** Bytes of gzipped JavaScript that a portal may load until its first page is there. */
const FIRST_LOAD_LIMIT = 200_000;

describe('every page of the technician portal', { timeout: 400_000 }, () => {
  let platform: Platform;
  let browser: Browser;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  it('has no accessibility violation before signing in, light or dark', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    await checkPages(session.page, [
      '/login',
      '/forgot-password',
      '/reset-password?token=x',
      '/setup?token=x',
    ]);
    await session.close();
  });

  it('has no accessibility violation for a technician, light or dark', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/');
    const found = await platform.api(TECHNICIAN, 'GET', '/tickets?limit=1&status=in_progress');
    const { id: ticketId, customer_id: customerId } = found.body.data[0];
    await signIn(page, platform, TECHNICIAN);
    const pages = [
      '/',
      '/tickets',
      `/tickets/${ticketId}`,
      '/tickets/new',
      '/tickets?search=zzzzzzzzzz',
      '/customers',
      `/customers/${customerId}`,
      '/search?q=Drucker',
      '/settings/account',
      '/nowhere',
    ];
    await checkPages(page, pages);
    await session.close();
  });

  it('has no accessibility violation on the pages of an administrator', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    await signIn(session.page, platform, ADMIN);
    await session.page.goto('/settings');
    const nav = session.page.getByRole('navigation', { name: 'Bereiche der Einstellungen' });
    await nav.waitFor();
    const sections = await nav
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') as string));
    expect(sections.length).toBeGreaterThan(3);
    await checkPages(session.page, [...sections, '/customers/import', '/customers?new=1']);
    await session.close();
  });

  it('loads less than 200 kB of JavaScript until the login and until the dashboard', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    const scripts: Promise<number>[] = [];
    session.page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(gzippedSize(response));
    });
    const loaded = async () => (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0);
    await session.page.goto('/login', { waitUntil: 'networkidle' });
    const untilLogin = await loaded();
    expect(untilLogin).toBeGreaterThan(20_000);
    expect(untilLogin).toBeLessThan(FIRST_LOAD_LIMIT);
    await signIn(session.page, platform, TECHNICIAN);

    // The dashboard as the first page of the day: a session that is there already, an empty cache.
    const again = await session.context.newPage();
    const cache = await session.context.newCDPSession(again);
    await cache.send('Network.enable');
    await cache.send('Network.setCacheDisabled', { cacheDisabled: true });
    const atDashboard: Promise<number>[] = [];
    again.on('response', (response) => {
      if (response.request().resourceType() === 'script') atDashboard.push(gzippedSize(response));
    });
    await again.goto('/', { waitUntil: 'networkidle' });
    await again.getByRole('figure').first().waitFor();
    const untilDashboard = (await Promise.all(atDashboard)).reduce((sum, size) => sum + size, 0);
    console.log(`JavaScript, gzipped: login ${untilLogin} B, dashboard ${untilDashboard} B`);
    expect(untilDashboard).toBeGreaterThan(20_000);
    expect(untilDashboard).toBeLessThan(FIRST_LOAD_LIMIT);
    await session.close();
  });
});

async function gzippedSize(response: Response): Promise<number> {
  return gzipSync(await response.body(), { level: 9 }).length;
}

async function checkPages(page: Page, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(path, { waitUntil: 'networkidle' });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectNoAxeViolations(page);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
