import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, navigation, newSession, PATIENT, signIn } from './browser.ts';
import { ringProblems } from './focus-ring.ts';
import { addressesOf, CUSTOMERS, needsSession, openWhole, TECHNICIANS } from './pages.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const RUN = Date.now().toString(36);
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

/** Pairs of a message and a button that lie over each other. */
function covered(): string[] {
  const boxes = (selector: string) =>
    [...document.querySelectorAll<HTMLElement>(selector)].filter((one) => one.checkVisibility());
  const inside = boxes('button, a[href], input, select, textarea').filter((one) => !one.closest('.toast'));
  return boxes('.toast').flatMap((toast) => {
    const a = toast.getBoundingClientRect();
    return inside
      .filter((button) => {
        const b = button.getBoundingClientRect();
        // What has scrolled out of its box is not there to be pressed.
        const x = (Math.max(a.left, b.left) + Math.min(a.right, b.right)) / 2;
        const y = (Math.max(a.top, b.top) + Math.min(a.bottom, b.bottom)) / 2;
        const overlap = a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        const shown = button.closest('main');
        return overlap && (!shown || y < shown.getBoundingClientRect().bottom) && x > 0;
      })
      .map((button) => `${toast.textContent} over ${button.outerHTML.slice(0, 120)}`);
  });
}

async function addCategory(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Neue Kategorie' }).click();
  const dialog = page.getByRole('dialog', { name: 'Neue Kategorie' });
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Speichern' }).click();
  await dialog.waitFor({ state: 'detached' });
}

describe('the frame of both portals', () => {
  it('is set in the font that it brings, in which figures have one width, and nothing jumps when it comes', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/');
    let release = () => {};
    const late = new Promise<void>((done) => {
      release = done;
    });
    await page.route(/\.woff2$/, async (route) => {
      await late;
      await route.continue();
    });
    await page.addInitScript(() => {
      Object.assign(window, { shifted: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[])
          (window as unknown as { shifted: number }).shifted += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const path of ['/login', '/portal/login']) {
      await page.goto(path, { waitUntil: 'commit' });
      await page.getByRole('heading', { level: 1 }).waitFor();
      const before = await page.evaluate(() => (window as unknown as { shifted: number }).shifted);
      release();
      await page.waitForFunction(
        () => document.fonts.check('600 20px Inter') && document.fonts.status === 'loaded',
      );
      const { after, faces } = await page.evaluate(async () => {
        await document.fonts.ready;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return {
          after: (window as unknown as { shifted: number }).shifted,
          faces: [...document.fonts].filter((one) => one.family === 'Inter' && one.status === 'loaded')
            .length,
        };
      });
      expect(faces).toBe(1);
      expect(after - before).toBeLessThan(0.01);
    }
    // "Preloaded and not used" would be told on the console.
    expect(await page.locator('link[rel=preload][as=font]').count()).toBe(1);
    const widths = await page.evaluate(() => {
      const cell = document.createElement('td');
      const table = document.createElement('table');
      table.append(document.createElement('tr'));
      table.rows[0]!.append(cell);
      document.body.append(table);
      cell.style.padding = '0';
      return ['1111', '0000', '7474'].map((figures) => {
        cell.textContent = figures;
        return cell.getBoundingClientRect().width;
      });
    });
    expect(new Set(widths).size).toBe(1);
    await session.close();
  });

  it('shows messages beside what one presses, three at most, and none to who comes next', async () => {
    for (const [width, height] of [
      [1440, 900],
      [390, 844],
    ] as const) {
      const session = await newSession(browser, platform, { width, height });
      const { page } = session;
      await signIn(page, platform, ADMIN);
      await page.goto('/settings/categories');
      const room = () => page.locator('main').boundingBox();
      const before = await room();
      for (const name of ['eins', 'zwei', 'drei', 'vier']) await addCategory(page, `${name} ${RUN} ${width}`);
      const shown = page.locator('.toast');
      // Where the navigation has room below it the page does not move.
      if (width > 1_000) expect(await room()).toEqual(before);
      await page.mouse.move(0, 0);
      await shown.filter({ hasText: 'vier' }).hover();
      expect(await shown.count()).toBe(3);
      expect(await page.evaluate(covered)).toEqual([]);
      await expectNoAxeViolations(page);
      // With a dialog too, whose buttons stay free; closing a message leaves it open.
      await page.getByRole('button', { name: 'Neue Kategorie' }).click();
      const dialog = page.getByRole('dialog', { name: 'Neue Kategorie' });
      await dialog.waitFor();
      await shown.first().hover();
      expect(await page.evaluate(covered)).toEqual([]);
      const count = await shown.count();
      expect(count).toBeGreaterThan(0);
      await shown.first().getByRole('button', { name: 'Meldung schließen' }).click();
      await expect.poll(() => shown.count(), PATIENT).toBeLessThan(count);
      await dialog.getByRole('button', { name: 'Abbrechen' }).click();
      await addCategory(page, `fünf ${RUN} ${width}`);
      await page.getByRole('button', { name: /^Benutzermenü/ }).click();
      await page.getByRole('menuitem', { name: 'Abmelden' }).click();
      await page.waitForURL(/\/login/);
      await signIn(page, platform, TECHNICIAN);
      expect(await shown.count()).toBe(0);
      await session.close();
    }
  });

  it('says since when it is offline, and nothing of it once the line is back', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await openWhole(page, '/customers');
    await session.setOffline(true);
    await page.getByText(/^Offline seit \d\d:\d\d Uhr\./).waitFor();
    await page.getByRole('combobox', { name: 'Status' }).selectOption({ index: 1 });
    await page.getByText('Keine Verbindung zum Server').first().waitFor();
    await session.setOffline(false);
    await page.getByText(/^Offline seit/).waitFor({ state: 'detached' });
    await page.getByText('Keine Verbindung zum Server').first().waitFor({ state: 'detached' });
    await page.getByRole('row').nth(1).waitFor();

    await openWhole(page, '/settings/categories');
    await session.setOffline(true);
    await page.getByRole('button', { name: 'Neue Kategorie' }).click();
    const dialog = page.getByRole('dialog', { name: 'Neue Kategorie' });
    await dialog.getByLabel('Name').fill(`offline ${RUN}`);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByRole('alert').first().waitFor();
    await session.setOffline(false);
    await page.getByText(/^Offline seit/).waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    await session.close();
  });

  it.each([
    ['technicians', 1440, 900],
    ['technicians', 390, 844],
    ['customers', 1440, 900],
    ['customers', 390, 844],
  ] as const)(
    'shows the whole ring around what has the focus, on every page: %s, %d × %d',
    async (portal, width, height) => {
      const [email, pages, base] =
        portal === 'technicians'
          ? ([ADMIN, TECHNICIANS, ''] as const)
          : ([CUSTOMER, CUSTOMERS, '/portal'] as const);
      const [ticket] = (await platform.api(CUSTOMER, 'GET', '/tickets?limit=1')).body.data;
      const [customer] = (await platform.api(ADMIN, 'GET', '/customers?limit=1')).body.data;
      const ids = { ticket: ticket.id, customer: customer.id };
      const found: string[] = [];
      const session = await newSession(browser, platform, { width, height });
      await signIn(session.page, platform, email, base);
      let from: 'window' | 'content' = 'window';
      for (const path of addressesOf(pages, needsSession, ids)) {
        await openWhole(session.page, base + path);
        for (const problem of await ringProblems(session.page, from)) found.push(`${base}${path} ${problem}`);
        // The frame is the same on every page.
        from = 'content';
      }
      await session.close();
      expect(found).toEqual([]);
    },
  );

  it('calls its primary action “Neues Ticket” wherever one is', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, TECHNICIAN);
    for (const name of ['Übersicht', 'Tickets', 'Kunden', 'Einstellungen']) {
      await navigation(page, name).click();
      const action = page.getByRole('banner').locator('.button-primary');
      await expect
        .poll(() => action.allTextContents(), PATIENT)
        .toEqual([expect.stringContaining('Neues Ticket')]);
    }
    await session.close();
  });

  it('parts the condition of a rule from its result, and knows rules for one customer', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const name = `Nur dort ${RUN}`;
    await signIn(page, platform, ADMIN);
    await openWhole(page, '/settings/rules');
    for (const group of ['Persönlich', 'Service-Desk', 'Zugang', 'Plattform'])
      await page.getByRole('region', { name: group }).getByRole('link').first().waitFor();
    await page.getByRole('button', { name: 'Neue Zuweisungsregel' }).click();
    const dialog = page.getByRole('dialog', { name: 'Neue Zuweisungsregel' });
    await dialog.getByLabel('Name').fill(name);
    const when = dialog.getByRole('group', { name: 'Wenn' });
    await when.getByLabel('Priorität').selectOption({ label: 'Hoch' });
    await when.getByRole('combobox', { name: 'Kunde' }).fill('Hallertau');
    await page.getByRole('option', { name: /Brauerei Hallertau/ }).click();
    const then = dialog.getByRole('group', { name: 'Dann' });
    expect(await then.getByLabel('Team').inputValue()).toBe('');
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('row').filter({ hasText: name });
    await row.getByText('Priorität: Hoch').waitFor();
    await row.getByText('Kunde: Brauerei Hallertau GmbH').waitFor();
    await row.getByText('Wer am wenigsten zu tun hat').waitFor();
    await row.getByRole('button', { name: `${name} bearbeiten` }).click();
    const edit = page.getByRole('dialog', { name: `${name} bearbeiten` });
    const customer = edit.getByRole('combobox', { name: 'Kunde' });
    await expect.poll(() => customer.inputValue(), PATIENT).toBe('Brauerei Hallertau GmbH');
    await edit.getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await row.waitFor({ state: 'detached' });
    await session.close();
  });

  it('maps every shortcut by page, those of this page first, and prints the map alone', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, TECHNICIAN);
    await openWhole(page, '/tickets');
    await page.keyboard.press('?');
    const map = page.getByRole('dialog', { name: 'Tastenkürzel' });
    await map.waitFor();
    const headings = await map.getByRole('heading', { level: 3 }).allTextContents();
    expect(headings.slice(0, 2)).toEqual(['Ticketliste (diese Seite)', 'Ausgewählte Tickets (diese Seite)']);
    expect(headings.slice(2)).toEqual(['Überall', 'Zu einer Seite', 'Ticket']);
    await map.getByText('Neues Ticket').waitFor();
    await expectNoAxeViolations(page);
    await page.emulateMedia({ media: 'print' });
    await expect.poll(() => map.getByText('Interne Notiz schreiben').isVisible(), PATIENT).toBe(true);
    expect(await page.getByRole('button', { name: 'Drucken', includeHidden: true }).isVisible()).toBe(false);
    expect(await page.locator('#root').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'screen' });
    await page.keyboard.press('Escape');
    await map.waitFor({ state: 'detached' });
    await session.close();
  });
});
