import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, setTheme, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform } from './platform.ts';

const csv = (name: string, lines: readonly string[]) => ({
  name,
  mimeType: 'text/csv',
  buffer: Buffer.from(lines.join('\r\n')),
});

describe('files of customers, contacts and sites', () => {
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

  const send = async (page: Page, file: ReturnType<typeof csv>) => {
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Datei prüfen' }).click();
  };
  const columnOf = (page: Page, heading: string) =>
    page.getByLabel(`„${heading}“ importieren als`, { exact: true });
  const rowsOf = async (path: string) => (await platform.api(ADMIN, 'GET', path)).body.data;

  it('come in from another system: asked once, the second file without a question; then its people', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/customers/import');
    const heading =
      'Client Name,Industry,Referral,Website,Location Name,Location Phone,City,Contact Name,Contact Email,Vertrag';
    await send(
      page,
      csv('itflow.csv', [
        heading,
        'Glaserei Öttl,Bau,,oettl.example,Zentrale,0871 5,Landshut,Anna Öttl,anna@öttl.example,Gold',
      ]),
    );
    await page.getByText('Export aus ITFlow').waitFor();
    expect(await columnOf(page, 'Client Name').inputValue()).toBe('name');
    expect(await columnOf(page, 'Industry').inputValue()).toBe('ignore');
    await expectNoAxeViolations(page);
    await columnOf(page, 'Vertrag').selectOption('notes');
    await page.getByRole('button', { name: 'Eine Zeile' }).click();
    await page.getByRole('link', { name: 'Zur Kundenliste' }).waitFor();
    expect(await rowsOf('/customers?search=glaserei')).toMatchObject([
      { name: 'Glaserei Öttl', website: 'https://oettl.example', notes: 'Gold' },
    ]);

    await page.reload();
    await send(page, csv('itflow-2.csv', [heading, 'Bäckerei Ähre,Bau,,,,,,,,Silber']));
    await page.getByText('Geprüft, noch nichts').waitFor();
    expect(await columnOf(page, 'Vertrag').inputValue()).toBe('notes');
    expect(await page.getByRole('button', { name: 'Eine Zeile' }).isEnabled()).toBe(true);

    await page.getByLabel('Was steht in der Datei?').selectOption('contacts');
    await page.getByRole('combobox', { name: 'Kunde für alle Zeilen' }).waitFor();
    expect(new URL(page.url()).search).toBe('?what=contacts');
    await send(
      page,
      csv('people.csv', [
        'Firma;Vorname;Nachname;E-Mail;Hauptansprechpartner',
        'Glaserei Öttl;Anna;Öttl;anna@xn--ttl-rna.example;ja',
      ]),
    );
    await page.getByRole('button', { name: 'Eine Zeile' }).click();
    await page.getByRole('link', { name: 'Zur Kundenliste' }).waitFor();
    expect(await rowsOf('/contacts?search=anna@öttl.example')).toMatchObject([
      { name: 'Anna Öttl', email: 'anna@öttl.example', is_primary: true },
    ]);
    await setTheme(page, 'dark');
    await expectNoAxeViolations(page);
    await session.close();
  });

  it('without a column for the customer are of the one that is chosen, and go out again', async () => {
    const session = await newSession(browser, platform, { language: 'en' });
    const { page } = session;
    await signIn(page, platform, ADMIN);
    const { body } = await platform.api(ADMIN, 'POST', '/customers', { name: 'Kellerei Übel' });
    await page.goto('/customers/import?what=sites');
    const file = csv('sites.csv', ['Name|Street|Postal code|City', 'Keller|Am Hang 1|84028|Landshut']);
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Check file' }).click();
    await page.getByText('The file names no customer.').waitFor();
    await page.getByRole('combobox', { name: 'Customer of all rows' }).fill('Kellerei');
    await page.getByRole('option', { name: /Kellerei Übel/ }).click();
    await page.getByRole('button', { name: 'Check file' }).click();
    await page.getByRole('button', { name: 'Import one row' }).click();
    await page.getByRole('link', { name: 'To the customers' }).waitFor();
    expect(await rowsOf(`/sites?customer_id=${body.data.id}`)).toMatchObject([
      { name: 'Keller', street: 'Am Hang 1', city: 'Landshut' },
    ]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export sites' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('sites.csv');
    await session.close();
  });
});
