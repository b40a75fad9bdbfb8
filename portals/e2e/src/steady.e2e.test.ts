import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSession, launchBrowser, newSession, signIn } from './browser.ts';
import { expectSteady } from './layout.ts';
import { addressesOf, CUSTOMERS, isOpen, needsSession, TECHNICIANS } from './pages.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform } from './platform.ts';

const SIZES = [
  [1440, 900],
  [390, 844],
] as const;

/** Buttons that open something over the page. */
const DIALOGS: Readonly<Record<string, readonly RegExp[]>> = {
  '/': [/Befehle und Suche/, /Benutzermenü/],
  '/tickets?priority=medium': [/Ansicht speichern/],
  '/tickets/:id': [/Ticket löschen/, /^Zeit( eintragen)?$/, /^Eskalieren/],
  '/customers': [/Neuer Kunde/],
  '/customers/:id': [/^Kunde bearbeiten/],
  '/settings/teams': [/Neues Team/],
  '/settings/sla': [/Neue SLA-Regel/],
  '/settings/calendars': [/Neue Geschäftszeiten/],
  '/settings/rules': [/Neue Zuweisungsregel/],
  '/settings/users': [/Neuer Benutzer/],
  '/portal/': [/Befehle und Suche/, /Benutzermenü/],
  '/portal/contacts': [/Person hinzufügen/],
};

/** On a phone the palette has them. */
const WIDE_DIALOGS: typeof DIALOGS = { '/tickets/:id': [/^Drucken/] };

describe('nothing but the content scrolls', { timeout: 400_000 }, () => {
  let platform: Platform;
  let browser: Browser;
  let ids: { ticket: string; customer: string };
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    const found = await platform.api(ADMIN, 'GET', '/tickets?limit=1&search=Teams-Besprechungen');
    const { id, customer_id } = found.body.data[0];
    ids = { ticket: id, customer: customer_id };
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  /** Goes to each page in each size, looks, and opens the dialogs that it has. */
  async function walk({ page }: BrowserSession, addresses: readonly string[], base = ''): Promise<void> {
    for (const address of addresses) {
      await page.goto(base + address);
      await settled(page);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        await expectSteady(page, `${base}${address} at ${width}×${height}`);
        const place = base + address.replace(/[0-9a-f-]{36}/, ':id');
        for (const name of [...(DIALOGS[place] ?? []), ...(width > 1_000 ? (WIDE_DIALOGS[place] ?? []) : [])])
          await throughDialog(page, name, `${base}${address} ${name} at ${width}×${height}`);
      }
    }
  }

  async function throughDialog(page: Page, name: RegExp, what: string): Promise<void> {
    const button = page.getByRole('button', { name }).first();
    await button.click({ timeout: 20_000 });
    const dialog = page.locator('[role=dialog], [role=alertdialog], [role=menu]').first();
    await dialog.waitFor().catch((error) => expect.fail(`${what}: ${error}`));
    await expectSteady(page, what);
    // The list of a field that has the focus is closed before its dialog.
    if ((await page.getByRole('listbox').count()) > 0) {
      await page.keyboard.press('Escape');
      await page.getByRole('listbox').waitFor({ state: 'detached' });
    }
    if (await dialog.isVisible()) await page.keyboard.press('Escape');
    await dialog
      .waitFor({ state: 'detached' })
      .catch((error) => expect.fail(`${what}, after Escape: ${error}`));
  }

  it('before signing in, in both portals', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    await walk(session, addressesOf(TECHNICIANS, isOpen, ids));
    await walk(session, addressesOf(CUSTOMERS, isOpen, ids), '/portal');
    await session.close();
  });

  it('on every page of the technicians and in its dialogs', async () => {
    const session = await newSession(browser, platform);
    await signIn(session.page, platform, ADMIN);
    await walk(session, [...addressesOf(TECHNICIANS, needsSession, ids), '/nowhere']);
    await session.close();
  });

  it('on every page of the customers and in its dialogs', async () => {
    const session = await newSession(browser, platform);
    const made = await platform.api(CUSTOMER, 'POST', '/tickets', {
      title: 'Ruhige Seite',
      description: 'x',
    });
    expect(made.status).toBe(201);
    await signIn(session.page, platform, CUSTOMER, '/portal');
    const addresses = addressesOf(CUSTOMERS, needsSession, { ticket: made.body.data.id, customer: '' });
    await walk(session, [...addresses, '/nowhere'], '/portal');
    await session.close();
  });
});

async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"], .skeleton') === null);
}
