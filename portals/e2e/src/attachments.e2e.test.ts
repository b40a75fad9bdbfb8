import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, PATIENT, setTheme, signIn } from './browser.ts';
import { choose } from './customer-page.ts';
import { CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const file = (name: string, content: string | Buffer) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(content as string),
});
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const FILES = [
  file('fehler.png', png),
  file('vertrag.pdf', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF'),
  file('drucker.png', png),
  file('logo.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"/>'),
  file('notiz.txt', 'Text'),
];
const tile = (page: Page, name: string) => page.getByRole('button', { name: `${name} ansehen`, exact: true });
/** The picture that is shown has come: none that is broken, and none that waits. */
const loaded = (page: Page, name: string) =>
  expect
    .poll(
      () =>
        page
          .getByRole('dialog')
          .getByRole('img', { name })
          .evaluate((img: HTMLImageElement) => img.naturalWidth),
      PATIENT,
    )
    .toBe(1);

describe('pictures and PDFs of a ticket', () => {
  let platform: Platform;
  let browser: Browser;
  let ticket = '';
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    const { body } = await platform.api(CUSTOMER, 'POST', '/tickets', {
      title: 'Drucker zeigt eine Meldung',
      description: 'Bilder folgen.',
    });
    ticket = body.data.id;
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  it('are refused with a word that goes with them, and looked at by the customer in place, by keyboard', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, CUSTOMER, '/portal');
    await page.goto(`/portal/tickets/${ticket}`);
    await page.getByLabel('Ihre Antwort').fill('So sieht es aus.');
    const refused = page.getByText('setup.exe: Dieser Dateityp wird nicht angenommen.');
    // Closed by hand; over with the file that it came with; over with what is sent.
    await choose(page, [file('setup.exe', 'MZ')]);
    await refused.waitFor();
    await page.getByRole('button', { name: 'Meldung schließen' }).click();
    await refused.waitFor({ state: 'detached' });
    await choose(page, [file('setup.exe', 'MZ'), file('falsch.png', png)]);
    await refused.waitFor();
    await page.getByRole('button', { name: 'falsch.png entfernen' }).click();
    await refused.waitFor({ state: 'detached' });
    await choose(page, [...FILES, file('setup.exe', 'MZ')]);
    await refused.waitFor();
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await tile(page, 'fehler.png').waitFor();
    await refused.waitFor({ state: 'detached' });

    // What could run is saved only.
    await page.getByRole('link', { name: /^logo\.svg herunterladen/ }).waitFor();
    expect(await tile(page, 'logo.svg').count()).toBe(0);
    expect(await tile(page, 'notiz.txt').count()).toBe(0);
    const small = tile(page, 'fehler.png').locator('img');
    expect(await small.getAttribute('loading')).toBe('lazy');
    await expect.poll(() => small.evaluate((img: HTMLImageElement) => img.naturalWidth), PATIENT).toBe(1);
    await expectNoAxeViolations(page);

    await tile(page, 'fehler.png').focus();
    await page.keyboard.press('Enter');
    await loaded(page, 'fehler.png');
    await page.getByRole('dialog').getByText('1 von 3').waitFor();
    await expectNoAxeViolations(page);
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('dialog').getByText('1 von 3').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await loaded(page, 'drucker.png');
    await page.getByRole('button', { name: 'Vorherige Datei' }).click();
    // This browser has no viewer for PDFs: it says so and offers the file.
    await page.getByText('Dieser Browser zeigt keine PDF-Dateien an.').waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
    await page.keyboard.press('ArrowLeft');
    await loaded(page, 'fehler.png');
    const saving = page.waitForEvent('download');
    await page.getByRole('dialog').getByRole('link', { name: 'fehler.png herunterladen' }).click();
    expect((await saving).suggestedFilename()).toBe('fehler.png');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect
      .poll(() => tile(page, 'fehler.png').evaluate((button) => button === document.activeElement), PATIENT)
      .toBe(true);
    await session.close();
  });

  it('are looked at by the desk, PDFs in the viewer of the browser, also on a phone and after the session was renewed', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await page.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, 'pdfViewerEnabled', { get: () => true }),
    );
    // What this browser would save is kept from it; the answer is asked for below.
    const asked: string[] = [];
    await page.route('**/content?in_place=true', async (route) => {
      if (!route.request().isNavigationRequest()) return route.continue();
      asked.push(route.request().url());
      await route.fulfill({ status: 200, contentType: 'text/html', body: 'PDF' });
    });
    await signIn(page, platform, TECHNICIAN);
    await page.goto(`/tickets/${ticket}`);
    await tile(page, 'vertrag.pdf').click();
    await page.getByRole('dialog').locator('iframe[title="vertrag.pdf"]').waitFor();
    await expect.poll(() => asked.length, PATIENT).toBe(1);
    await expectNoAxeViolations(page);
    const answer = await page.request.get(asked[0]!);
    expect(answer.headers()).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': expect.stringMatching(/^inline/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    });
    await page.setViewportSize({ width: 390, height: 844 });
    await setTheme(page, 'dark');
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Nächste Datei' }).click();
    await loaded(page, 'drucker.png');
    await page.getByRole('dialog').getByRole('button', { name: 'Schließen', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    // A PDF that is gone goes from the page and is not framed: what came instead would be shown as it is.
    await page.route('**/attachments?limit=100', (route) => route.fulfill({ json: { data: [], meta: {} } }));
    await tile(page, 'vertrag.pdf').click();
    await tile(page, 'vertrag.pdf').waitFor({ state: 'detached' });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(asked).toHaveLength(1);
    await page.unroute('**/attachments?limit=100');
    await page.reload();

    // A picture that comes back with 401 is asked for again with the session renewed.
    session.allow(401, '/content');
    let first = true;
    await page.route('**/content?in_place=true', async (route) => {
      if (!first) return route.continue();
      first = false;
      await route.fulfill({ status: 401, body: '' });
    });
    await tile(page, 'fehler.png').click();
    await loaded(page, 'fehler.png');
    await session.close();
  });
});
