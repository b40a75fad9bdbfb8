import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, signIn } from './browser.ts';
import { type Platform, startPlatform, TECHNICIAN } from './platform.ts';

describe('the technician portal', () => {
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

  it('refuses a wrong password and accepts the right one', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/');
    await page.goto('/');
    await page.getByLabel('E-Mail').fill(TECHNICIAN);
    await page.getByLabel('Passwort', { exact: true }).fill('not the password');
    await page.locator('button[type=submit]').click();
    await page.getByRole('alert').waitFor();
    await expectNoAxeViolations(page);
    await signIn(page, platform, TECHNICIAN);
    expect(new URL(page.url()).pathname).toBe('/');
    await session.close();
  });
});
