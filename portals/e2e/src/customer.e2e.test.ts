import { writeFile } from 'node:fs/promises';
import { tempDir } from '@psa/test-kit/temp-dir';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BrowserSession,
  expectNoAxeViolations,
  launchBrowser,
  newSession,
  PATIENT,
  type SessionOptions,
  screenshot,
  setTheme,
  signIn,
} from './browser.ts';
import { choose, focused, heading, listen, message, slowUploads, ticketRows } from './customer-page.ts';
import { expectLightLoad } from './first-load.ts';
import { addressesOf, CUSTOMERS, isOpen, needsSession, openWhole } from './pages.ts';
import { CUSTOMER, OTHER_CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const PORTAL = '/portal';
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('the customer portal', () => {
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

  /** A browser in which `email` is signed in. */
  async function signedIn(email = CUSTOMER, options: SessionOptions = {}): Promise<BrowserSession> {
    const session = await newSession(browser, platform, { width: 1280, height: 860, ...options });
    await signIn(session.page, platform, email, PORTAL);
    await ticketRows(session.page).first().waitFor();
    return session;
  }

  /** What support does meanwhile. @throws unless the platform takes it */
  async function support(method: string, path: string, body: unknown): Promise<void> {
    const answer = await platform.api(TECHNICIAN, method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  }

  /** Writes a ticket beside the browser; gives its id. */
  async function newTicket(title: string, email = CUSTOMER): Promise<string> {
    const { status, body } = await platform.api(email, 'POST', '/tickets', {
      title,
      description: `${title}: seit heute früh.`,
    });
    expect(status).toBe(201);
    return body.data.id;
  }

  it('keeps out who is not signed in, and leads back to the page that was asked for', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/login');
    const id = await newTicket('Beamer ohne Bild');
    await page.goto(`${PORTAL}/tickets/${id}`);
    await page.getByRole('heading', { name: 'Anmelden' }).waitFor();
    await page.getByLabel('E-Mail-Adresse').fill(CUSTOMER);
    await page.getByLabel('Passwort', { exact: true }).fill('falsch geraten');
    await page.keyboard.press('Enter');
    await page.getByText('E-Mail-Adresse oder Passwort stimmt nicht.').waitFor();
    await signIn(page, platform, CUSTOMER);
    await page.getByRole('heading', { name: 'Beamer ohne Bild' }).waitFor();
    await session.close();
  });

  it('shows a company its tickets and what waits for its answer', async () => {
    const session = await signedIn();
    const { page } = session;
    await page.getByRole('link', { name: /Zugang für den neuen Auszubildenden/ }).waitFor();
    await screenshot(page, 'customer-tickets');
    await page.getByRole('link', { name: /^Wartet auf Sie/ }).click();
    await page
      .getByRole('link', { name: /Wartet auf Ihre Antwort/ })
      .first()
      .waitFor();
    await page.getByRole('link', { name: 'Erledigt', exact: true }).click();
    await page.getByRole('link', { name: /Waage an der Verladung ohne Netz.*Gelöst vor/ }).waitFor();
    await page.goBack();
    await page.goBack();
    await page.getByRole('searchbox').fill('Besprechung');
    await page.locator('mark').first().waitFor();
    await page.getByRole('link', { name: /Teams-Besprechungen/ }).click();
    await message(page, 'das Mikrofon leuchtet grün').waitFor();
    await page.getByText('Was bisher geschah').waitFor();
    await screenshot(page, 'customer-ticket');
    await setTheme(page, 'dark');
    await page.setViewportSize({ width: 390, height: 844 });
    await screenshot(page, 'customer-ticket-phone');
    await page.getByRole('link', { name: 'Zurück zur Liste' }).click();
    await expect.poll(() => page.getByRole('searchbox').inputValue(), PATIENT).toBe('Besprechung');
    await session.close();
  });

  it('loads at most 150 kB until the login and until the tickets', async () => {
    const session = await newSession(browser, platform);
    const { page, context } = session;
    await expectLightLoad(context, 'the customers, login', (fresh) =>
      fresh.goto(`${PORTAL}/login`).then(() => heading(fresh)),
    );
    await signIn(page, platform, CUSTOMER, PORTAL);
    await expectLightLoad(context, 'the customers, tickets', (fresh) =>
      fresh.goto(PORTAL).then(() => ticketRows(fresh).first().waitFor()),
    );
    await session.close();
  });

  it('keeps the draft over a reload and names the files that are not taken', async () => {
    const session = await signedIn();
    const { page } = session;
    session.allow(415, '/attachments');
    // What is typed while the palette is still being loaded belongs to it.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Konto');
    await page.getByRole('option', { name: /Mein Konto/ }).waitFor();
    await expect.poll(() => page.getByRole('combobox').inputValue(), PATIENT).toBe('Konto');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Neues Ticket' }).waitFor();
    await page.getByRole('button', { name: 'Ticket absenden' }).click();
    await page.getByText('Bitte beschreiben Sie Ihr Anliegen.').waitFor();
    await expect.poll(() => focused(page), PATIENT).toContain('Worum geht es?');
    await expectNoAxeViolations(page);

    await page.keyboard.type('Etiketten werden schief gedruckt');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Seit heute früh.\nNur im Versand.');
    await page.getByRole('radio', { name: 'Dringend' }).check();
    await page.reload();
    await page.getByText('Der Entwurf von vorhin ist noch da.').waitFor();
    await expect
      .poll(() => page.getByLabel('Worum geht es?').inputValue(), PATIENT)
      .toBe('Etiketten werden schief gedruckt');
    await expect
      .poll(() => page.getByLabel('Was genau passiert?').inputValue(), PATIENT)
      .toBe('Seit heute früh.\nNur im Versand.');
    expect(await page.getByRole('radio', { name: 'Dringend' }).isChecked()).toBe(true);

    const dir = await tempDir('files');
    await writeFile(`${dir.path}/film.mp4`, Buffer.alloc(25 * 1024 * 1024 + 1));
    await writeFile(`${dir.path}/setup.exe`, 'MZ');
    await page.locator('input[type=file]').setInputFiles([`${dir.path}/film.mp4`, `${dir.path}/setup.exe`]);
    await page.getByText(/^film\.mp4 ist größer als/).waitFor();
    await page.getByText('setup.exe: Dieser Dateityp wird nicht angenommen.').waitFor();
    await dir.remove();
    await expect.poll(() => page.getByRole('list', { name: 'Ausgewählte Dateien' }).count(), PATIENT).toBe(0);

    // A program under another name is found by its content, on the server; the ticket and the rest arrive.
    await choose(page, [
      { name: 'etikett.png', mimeType: 'image/png', buffer: PNG },
      { name: 'notiz.txt', mimeType: 'text/plain', buffer: Buffer.from(`MZ${'\0'.repeat(200)}`) },
    ]);
    await screenshot(page, 'customer-new-ticket');
    await page.getByRole('button', { name: 'Ticket absenden' }).click();
    await page.getByText('Eine Datei fehlt noch:').waitFor();
    const left = page.getByRole('listitem').filter({ hasText: 'notiz.txt' });
    await expect.poll(() => left.textContent(), PATIENT).toContain('Dieser Dateityp wird nicht angenommen.');
    await expect
      .poll(() => page.getByRole('listitem').filter({ hasText: 'etikett.png' }).count(), PATIENT)
      .toBe(0);
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Weiter zum Ticket' }).click();
    await page.getByRole('heading', { name: 'Etiketten werden schief gedruckt' }).waitFor();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^etikett\.png herunterladen/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('etikett.png');
    expect(Buffer.concat(await (await download.createReadStream()).toArray())).toEqual(PNG);

    await page.goto(`${PORTAL}/new`);
    await expect.poll(() => page.getByLabel('Worum geht es?').inputValue(), PATIENT).toBe('');
    await session.close();
  });

  it('shows how far an upload has got', async () => {
    const session = await signedIn();
    const { page, context } = session;
    await page.goto(`${PORTAL}/tickets/${await newTicket('Scanner verliert Seiten')}`);
    await page.getByLabel('Ihre Antwort').fill('Ein Beispiel anbei.');
    await choose(page, [{ name: 'scan.bin', mimeType: '', buffer: Buffer.alloc(1_500_000, 7) }]);
    const line = await slowUploads(context, page, 500_000);
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    const progress = page.getByRole('progressbar', { name: 'scan.bin' });
    await progress.waitFor();
    await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0.2);
    await page.getByRole('link', { name: /^scan\.bin herunterladen/ }).waitFor();
    await line.detach();
    await session.close();
  });

  it('carries a conversation: live answers, replies, solved, reopened, closed', async () => {
    const session = await signedIn();
    const { page } = session;
    const heard = listen(page);
    const id = await newTicket('Telefonanlage ohne Amtsleitung');
    await page.goto(`${PORTAL}/?tab=open`);
    await page
      .getByRole('link', { name: /Telefonanlage ohne Amtsleitung/ })
      .first()
      .click();
    await page.getByText('Noch keine Antwort.').waitFor();

    const secret = 'Kunde zahlt schleppend, vorsichtig sein';
    const work = 'Anfahrt gespart, Fernwartung';
    const { body: me } = await platform.api(TECHNICIAN, 'GET', '/auth/me');
    await support('PATCH', `/tickets/${id}`, { assigned_to: me.data.id, status: 'in_progress' });
    await support('POST', `/tickets/${id}/comments`, { body: secret, visibility: 'internal' });
    await support('POST', `/tickets/${id}/time-entries`, { minutes: 37, note: work });
    await support('POST', `/tickets/${id}/comments`, {
      body: 'Blinkt die grüne Lampe am Router?',
      visibility: 'public',
    });
    await support('PATCH', `/tickets/${id}`, { status: 'waiting_customer' });
    await page.getByText('Blinkt die grüne Lampe am Router?').waitFor();
    await page.getByText('Mit Ihrer Antwort geht es weiter.').waitFor();
    await page.getByRole('button', { name: 'Jetzt antworten' }).click();
    await expect.poll(() => focused(page), PATIENT).toContain('Ihre Antwort');
    await page.keyboard.type('Ja, sie blinkt.');
    await page.keyboard.press('Control+Enter');
    await message(page, 'Ja, sie blinkt.').waitFor();
    await page.getByText('Wir arbeiten daran.').waitFor();

    await support('PATCH', `/tickets/${id}`, { status: 'resolved' });
    await page.getByRole('button', { name: 'Nein, es geht noch nicht' }).click();
    await page.getByText('Das Ticket ist wieder offen.').waitFor();
    await expect.poll(() => focused(page), PATIENT).toContain('Ihre Antwort');
    await page.keyboard.type('Rein geht, raus nicht.');
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await message(page, 'Rein geht, raus nicht.').waitFor();

    await page.getByRole('button', { name: 'Problem gelöst' }).click();
    await page.getByText('Dieses Ticket ist abgeschlossen.').waitFor();
    await page.getByText('Mit Ihrer Antwort wird das Ticket wieder geöffnet.').waitFor();
    await page.getByRole('button', { name: 'Wieder öffnen' }).click();
    await page.getByRole('button', { name: 'Problem gelöst' }).waitFor();
    await expect.poll(() => page.getByText('Wieder geöffnet').count(), PATIENT).toBe(2);

    // Nothing of support's own reached the browser, not even by the stream.
    await page.reload();
    await message(page, 'Rein geht, raus nicht.').waitFor();
    const all = (await heard()).join('\n');
    expect(all).toContain('Blinkt die grüne Lampe am Router?');
    expect(all).toContain('ticket.commented');
    expect(all).not.toContain(secret);
    expect(all).not.toContain(work);
    expect(all).not.toMatch(/"minutes(_spent)?":37/);
    expect(all).not.toContain('internal');
    await session.close();
  });

  it('shows a company nothing of another', async () => {
    const ours = await newTicket('Kassenbericht stimmt nicht');
    const session = await signedIn(OTHER_CUSTOMER);
    const { page } = session;
    const heard = listen(page);
    session.allow(404, `/api/v1/tickets/${ours}`);
    const asked: string[] = [];
    page.on(
      'request',
      (request) => request.url().includes(ours) && asked.push(new URL(request.url()).pathname),
    );
    await page.goto(`${PORTAL}/tickets/${ours}`);
    await page.getByRole('heading', { name: 'Dieses Ticket gibt es nicht' }).waitFor();
    expect(asked.filter((path) => path.startsWith('/api/'))).toEqual([`/api/v1/tickets/${ours}`]);
    await expectNoAxeViolations(page);
    await page.goto(`${PORTAL}/?q=Kassenbericht`);
    await page.getByText('Zu „Kassenbericht“ gibt es hier kein Ticket.').waitFor();
    await page.goto(`${PORTAL}/`);
    await ticketRows(page).first().waitFor();
    await newTicket('Kassenbericht stimmt wieder nicht');
    const theirs = await newTicket('Röntgenbild lädt nicht', OTHER_CUSTOMER);
    await page
      .getByRole('link', { name: /Röntgenbild lädt nicht/ })
      .first()
      .waitFor();
    const contacts = await platform.api(OTHER_CUSTOMER, 'GET', '/contacts?limit=100');
    expect(JSON.stringify(contacts.body)).not.toContain('brauerei');
    const all = (await heard()).join('\n');
    expect(all).toContain(theirs);
    expect(all).not.toContain('Kassenbericht stimmt');
    await session.close();
  });

  it('lets the administrator of a company keep its contacts', async () => {
    const session = await signedIn();
    const { page } = session;
    // The tests may run again on a platform that is kept.
    const token = `a${Date.now().toString(36)}`;
    const name = `Maximilian ${token}`;
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    const people = page.getByRole('main').getByRole('list');
    await people.getByText('Josef Hausner').waitFor();
    await expect.poll(() => people.textContent(), PATIENT).not.toContain('Petra Sommer');
    await page.getByRole('button', { name: 'Person hinzufügen' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('E-Mail-Adresse').fill('kein at');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Bitte den Namen angeben.').waitFor();
    await dialog.getByText('Das ist keine vollständige E-Mail-Adresse.').waitFor();
    await expectNoAxeViolations(page);
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
    await dialog.getByLabel('E-Mail-Adresse').fill(`${token}@brauerei-hallertau.example`);
    await page.keyboard.press('Enter');
    await people.getByText(name).waitFor();
    await page.getByRole('button', { name: `${name} bearbeiten` }).click();
    await dialog.getByLabel('Aufgabe').fill('Auszubildender');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await people.getByRole('listitem').filter({ hasText: name }).getByText('Auszubildender').waitFor();
    await page.getByRole('searchbox').fill(token);
    await people.getByText('Josef Hausner').waitFor({ state: 'detached' });
    await expect.poll(() => people.getByRole('listitem').count(), PATIENT).toBe(1);
    await session.close();
  });

  it('says when it is offline and loses no reply', async () => {
    const session = await signedIn();
    const { page } = session;
    await page.goto(`${PORTAL}/tickets/${await newTicket('Monitor flackert')}`);
    await page.getByLabel('Ihre Antwort').fill('Am Kabel liegt es nicht.');
    await session.setOffline(true);
    await page.getByText('Angezeigt wird der letzte bekannte Stand').waitFor();
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await page.getByText('Wir wissen nicht, ob Ihre Antwort angekommen ist.').waitFor();
    await expectNoAxeViolations(page);
    await expect
      .poll(() => page.getByLabel('Ihre Antwort').inputValue(), PATIENT)
      .toBe('Am Kabel liegt es nicht.');
    await session.setOffline(false);
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await message(page, 'Am Kabel liegt es nicht.').waitFor();
    await expect.poll(() => message(page, 'Am Kabel liegt es nicht.').count(), PATIENT).toBe(1);

    await page.getByRole('link', { name: 'Zurück zur Liste' }).click();
    await ticketRows(page).first().waitFor();
    await session.setOffline(true);
    await page.getByRole('link', { name: 'Erledigt', exact: true }).click();
    await page.getByRole('heading', { name: 'Gerade nicht verfügbar' }).waitFor();
    await expect.poll(() => ticketRows(page).count(), PATIENT).toBe(0);
    await session.setOffline(false);
    await ticketRows(page).first().waitFor();
    await session.close();
  });

  it('asks to sign in again when the session is over, and goes on where one was', async () => {
    const session = await signedIn();
    const { page, context } = session;
    session.allow(401, '/api/v1/');
    const path = `${PORTAL}/tickets/${await newTicket('Maus springt')}`;
    await page.goto(path);
    await page.getByLabel('Ihre Antwort').fill('Auch mit neuen Batterien.');
    await context.clearCookies();
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await page.getByText('Die Sitzung ist abgelaufen. Bitte erneut anmelden.').waitFor();
    await signIn(page, platform, CUSTOMER);
    await page.waitForURL((url) => url.pathname === path);
    await expect
      .poll(() => page.getByLabel('Ihre Antwort').inputValue(), PATIENT)
      .toBe('Auch mit neuen Batterien.');
    await session.close();
  });

  it('speaks both languages, is dark when wanted, and signs out', async () => {
    const session = await signedIn();
    const { page } = session;
    await page.goto(`${PORTAL}/new`);
    await page.getByLabel('Worum geht es?').fill('Was auf einem fremden Rechner nicht bleiben soll');
    const menu = page.getByRole('button', { name: /Benutzermenü/ });
    await menu.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitemradio', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'New ticket' }).waitFor();
    await page.goto(`${PORTAL}/account`);
    await page.getByRole('heading', { name: 'My account' }).waitFor();
    await expect.poll(() => page.locator('html').getAttribute('lang'), PATIENT).toBe('en');
    const canvas = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await canvas();
    const look = page.getByLabel('Appearance', { exact: true });
    await look.selectOption('dark');
    await expect.poll(canvas, PATIENT).not.toBe(light);
    await page.reload();
    await heading(page);
    await expect.poll(canvas, PATIENT).not.toBe(light);
    await look.selectOption('light');
    await expect.poll(canvas, PATIENT).toBe(light);

    await page.getByRole('button', { name: /User menu/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByText('Signed out.').waitFor();
    await page.goto(`${PORTAL}/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify(sessionStorage));
    expect(kept).not.toContain('fremden Rechner');
    await session.close();
  });

  // Two runs in which each theme, language and width occurs; colours, words and layout do not depend on each other.
  it.each([
    ['light', 'en', 1280],
    ['dark', 'de', 390],
  ] as const)('is accessible and fits on every page: %s, %s, %d px', async (theme, language, width) => {
    const session = await newSession(browser, platform, { theme, language, width, height: 860 });
    const { page } = session;
    session.allow(404, '/api/v1/tickets/');
    const id = await newTicket('Beamer flimmert');
    const check = async (paths: readonly string[]) => {
      for (const path of paths) {
        await openWhole(page, PORTAL + path);
        await expectNoAxeViolations(page);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wider, `${path} is wider than the window`).toBe(0);
      }
    };
    await check(addressesOf(CUSTOMERS, isOpen, {}));
    await signIn(page, platform, CUSTOMER, PORTAL);
    await check([
      ...addressesOf(CUSTOMERS, needsSession, { ticket: id }),
      '/tickets/00000000-0000-4000-8000-000000000000',
      '/no-such-page',
    ]);
    await session.close();
  });
});
