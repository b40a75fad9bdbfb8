import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectNoAxeViolations,
  historyOf,
  launchBrowser,
  newSession,
  PATIENT,
  setTheme,
  signIn,
} from './browser.ts';
import { choose } from './customer-page.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const text = (name: string, content = name) => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(content),
});
const deleteOf = (page: Page, name: string) =>
  page.getByRole('button', { name: `${name} löschen`, exact: true });
const linkOf = (page: Page, name: string) =>
  page.getByRole('link', { name: new RegExp(`^${name} herunterladen`) }).first();

describe('files of tickets and the room that they take', () => {
  let platform: Platform;
  let browser: Browser;
  let ticket = '';
  let company = { id: '', name: '' };
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    const { body } = await platform.api(CUSTOMER, 'POST', '/tickets', {
      title: 'Etikett ohne Rand',
      description: 'Beispiele anbei.',
    });
    ticket = body.data.id;
    const found = await platform.api(TECHNICIAN, 'GET', `/customers/${body.data.customer_id}`);
    company = found.body.data;
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  const filesOf = async () =>
    (await platform.api(ADMIN, 'GET', `/tickets/${ticket}/attachments`)).body.data.map(
      (file: { file_name: string }) => file.file_name,
    );

  it('are deleted by who uploaded them, by keyboard, and go from everybody’s page at once', async () => {
    const [customer, technician] = [await newSession(browser, platform), await newSession(browser, platform)];
    const { page: portal } = customer;
    await signIn(portal, platform, CUSTOMER, '/portal');
    await portal.goto(`/portal/tickets/${ticket}`);
    await portal.getByLabel('Ihre Antwort').fill('Zwei Beispiele.');
    await choose(portal, [text('muster.txt'), text('falsch.txt')]);
    await portal.getByRole('button', { name: 'Antwort senden' }).click();
    await deleteOf(portal, 'falsch.txt').waitFor();

    const { page } = technician;
    await signIn(page, platform, TECHNICIAN);
    await page.goto(`/tickets/${ticket}`);
    await page.getByText('Dateien hinzufügen').click();
    const panel = page.getByRole('region', { name: 'Dateien hinzufügen' });
    await panel.locator('input[type=file]').setInputFiles(text('antwort.txt'));
    await page.getByRole('button', { name: 'Hochladen' }).click();
    // One's own file has the button, that of a customer has none for who may not remove anybody's.
    await deleteOf(page, 'antwort.txt').waitFor();
    await linkOf(page, 'falsch.txt').waitFor();
    await expect.poll(() => deleteOf(page, 'falsch.txt').count(), PATIENT).toBe(0);
    await linkOf(portal, 'antwort.txt').waitFor();
    await expect.poll(() => deleteOf(portal, 'antwort.txt').count(), PATIENT).toBe(0);

    // Asked first; the focus comes back when one thinks better of it.
    await deleteOf(portal, 'falsch.txt').focus();
    await portal.keyboard.press('Enter');
    const question = portal.getByRole('alertdialog', { name: 'falsch.txt löschen' });
    await question.getByText('Niemand kann falsch.txt danach noch öffnen.').waitFor();
    await expectNoAxeViolations(portal);
    await portal.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    const hasFocus = (name: string) =>
      expect
        .poll(() => deleteOf(portal, name).evaluate((button) => button === document.activeElement), PATIENT)
        .toBe(true);
    await hasFocus('falsch.txt');
    await portal.keyboard.press('Enter');
    await question.getByRole('button', { name: 'Löschen' }).focus();
    await portal.keyboard.press('Enter');
    await question.waitFor({ state: 'detached' });
    await portal.getByText('falsch.txt gelöscht').waitFor();
    await linkOf(portal, 'falsch.txt').waitFor({ state: 'detached' });
    // The button went with the file: the message that it stood in has the focus.
    const focused = () => portal.evaluate(() => document.activeElement?.textContent ?? '');
    await expect.poll(focused, PATIENT).toContain('Zwei Beispiele.');
    expect(await focused()).toContain('muster.txt');

    await linkOf(page, 'falsch.txt').waitFor({ state: 'detached' });
    expect(await filesOf()).toEqual(expect.arrayContaining(['muster.txt', 'antwort.txt']));
    expect(await filesOf()).not.toContain('falsch.txt');
    await historyOf(page).click();
    const gone = page.getByRole('listitem').filter({ hasText: 'hat eine Datei gelöscht' });
    await gone.getByText('Datei: falsch.txt', { exact: true }).waitFor();
    await page.getByText('Datei: muster.txt', { exact: true }).waitFor();
    await Promise.all([customer.close(), technician.close()]);
  });

  it('are deleted by who may remove anybody’s, also when somebody was faster', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto(`/tickets/${ticket}`);
    session.allow(404, '/attachments/');
    await deleteOf(page, 'antwort.txt').click();
    const { body } = await platform.api(ADMIN, 'GET', `/tickets/${ticket}/attachments`);
    const { id } = body.data.find((file: { file_name: string }) => file.file_name === 'antwort.txt');
    // Deleted elsewhere, in the moment in which it is confirmed here.
    await page.route(
      (url) => url.pathname.endsWith(id),
      async (route) => {
        const elsewhere = await platform.api(TECHNICIAN, 'DELETE', `/tickets/${ticket}/attachments/${id}`);
        expect(elsewhere.status).toBe(204);
        await route.continue();
      },
      { times: 1 },
    );
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await page.getByText('antwort.txt gelöscht').waitFor();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await linkOf(page, 'antwort.txt').waitFor({ state: 'detached' });
    expect(await filesOf()).toEqual(['muster.txt']);
    await session.close();
  });

  it('have limits that an administrator sees and sets', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const quota = async () => (await platform.api(ADMIN, 'GET', '/attachment-quota')).body.data;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/storage');
    await page.getByText('Jeder Kunde darf bis zu 2 GiB belegen.').waitFor();
    await page.getByText(/^[\d,]+\s(Byte|KiB|MiB) von 20\sGiB \(0\s%\)$/).waitFor();
    await page.getByRole('combobox', { name: 'Verbrauch eines Kunden' }).fill(company.name);
    await page.getByRole('option', { name: company.name }).click();
    await page.getByText(/^[\d,]+\s(Byte|KiB|MiB) von 2\sGiB/).waitFor();

    await page.getByRole('button', { name: 'Grenzen ändern' }).click();
    const dialog = page.getByRole('dialog', { name: 'Grenzen ändern' });
    const [all, each] = [
      dialog.getByLabel('Alle Kunden zusammen, in GiB'),
      dialog.getByLabel('Jeder Kunde, in GiB'),
    ];
    await all.fill('viel');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Bitte eine Größe bis 1.048.576 GiB angeben').waitFor();
    await expectNoAxeViolations(page);
    await all.fill('2,5');
    // Meanwhile somebody else sets the other figure: told, and kept.
    const other = await platform.api(ADMIN, 'PATCH', '/attachment-quota', {
      customer_limit_bytes: 3 * 2 ** 30,
    });
    expect(other.status).toBe(200);
    session.allow(412, '/attachment-quota');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Jemand anders hat das inzwischen geändert.').waitFor();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText(/^[\d,]+\s(Byte|KiB|MiB) von 2,5\sGiB/).waitFor();
    await page.getByText('Jeder Kunde darf bis zu 3 GiB belegen.').waitFor();
    expect(await quota()).toMatchObject({ limit_bytes: 2.5 * 2 ** 30, customer_limit_bytes: 3 * 2 ** 30 });
    await page.setViewportSize({ width: 390, height: 844 });
    await expectNoAxeViolations(page);
    await setTheme(page, 'dark');
    await expectNoAxeViolations(page);
    await setTheme(page, 'light');

    // Nothing in the field is the platform's figure again; and what is full is said where it is met.
    await page.getByRole('button', { name: 'Grenzen ändern' }).click();
    await all.fill('');
    await each.fill('0');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Jeder Kunde darf bis zu 0 Byte belegen.').waitFor();
    expect(await quota()).toMatchObject({ limit_bytes: 20 * 2 ** 30, customer_limit_bytes: 0 });
    await page.goto(`/tickets/${ticket}`);
    session.allow(413, '/attachments');
    // On a phone the rail is behind a button.
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByText('Dateien hinzufügen').click();
    const panel = page.getByRole('region', { name: 'Dateien hinzufügen' });
    await panel.locator('input[type=file]').setInputFiles(text('zuviel.txt'));
    await page.getByRole('button', { name: 'Hochladen' }).click();
    await page.getByText('Der Speicherplatz für Dateien dieses Kunden ist belegt.').waitFor();
    expect(await filesOf()).toEqual(['muster.txt']);
    await session.close();
  });
});
