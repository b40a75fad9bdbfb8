import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSession, launchBrowser, navigation, newSession, PATIENT, signIn } from './browser.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform } from './platform.ts';

const RUN = Date.now().toString(36);

describe('what is typed', () => {
  let platform: Platform;
  let browser: Browser;
  let session: BrowserSession;
  let page: Page;
  let ticketId: string;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    session = await newSession(browser, platform);
    page = session.page;
    await signIn(page, platform, ADMIN);
    const found = await platform.api(ADMIN, 'GET', '/tickets?limit=1&status=in_progress');
    ticketId = found.body.data[0].id;
  });
  afterAll(async () => {
    await session?.close();
    await browser?.close();
    await platform?.stop();
  });

  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
  /** Leaves by the navigation and comes back by the address, without a reload. */
  async function leaveAndReturn(address: string): Promise<void> {
    await navigation(page, 'Suche').click();
    await heading('Suche');
    await page.goBack();
    await page.waitForURL(`**${address}`);
  }
  const dialog = () => page.getByRole('dialog');

  it('stands in a new ticket when one comes back, the customer with it, and goes with Cancel', async () => {
    await page.goto('/tickets/new');
    await page.getByRole('combobox', { name: /^Kunde/ }).fill('Kanzlei');
    await page.getByRole('option', { name: /Kanzlei Vogt/ }).click();
    await page.getByLabel(/^Betreff/).fill('Scanner ohne Netz');
    await navigation(page, 'Kunden').click();
    await heading('Kunden');
    await page.getByRole('button', { name: 'Neues Ticket' }).click();
    await page.getByText('Der Entwurf von vorhin ist noch da.').waitFor();
    await expect.poll(() => page.getByLabel(/^Betreff/).inputValue(), PATIENT).toBe('Scanner ohne Netz');
    await expect
      .poll(() => page.getByRole('combobox', { name: /^Kunde/ }).inputValue(), PATIENT)
      .toContain('Kanzlei Vogt');
    await page.reload();
    await expect.poll(() => page.getByLabel(/^Betreff/).inputValue(), PATIENT).toBe('Scanner ohne Netz');
    await page.getByRole('button', { name: 'Abbrechen' }).click();
    await page.getByRole('grid', { name: 'Tickets' }).waitFor();
    await page.goto('/tickets/new');
    await expect.poll(() => page.getByLabel(/^Betreff/).inputValue(), PATIENT).toBe('');
  });

  it('stands in a message, a title and a time entry of a ticket', async () => {
    const address = `/tickets/${ticketId}`;
    await page.goto(address);
    await page.getByLabel('Nachricht an den Kunden').fill(`Angefangen ${RUN}`);
    await page.getByRole('button', { name: 'Betreff bearbeiten' }).click();
    await page.getByRole('textbox', { name: 'Betreff' }).fill(`Anders ${RUN}`);
    await leaveAndReturn(address);
    await expect
      .poll(() => page.getByLabel('Nachricht an den Kunden').inputValue(), PATIENT)
      .toBe(`Angefangen ${RUN}`);
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Betreff' }).inputValue(), PATIENT)
      .toBe(`Anders ${RUN}`);
    await page.getByRole('textbox', { name: 'Betreff' }).press('Escape');

    await page.getByRole('button', { name: 'Zeit eintragen' }).click();
    await dialog().getByLabel('Tätigkeit').fill(`Vor Ort ${RUN}`);
    await page.reload();
    await page.getByRole('button', { name: 'Zeit eintragen' }).click();
    await expect.poll(() => dialog().getByLabel('Tätigkeit').inputValue(), PATIENT).toBe(`Vor Ort ${RUN}`);
    await dialog().getByRole('button', { name: 'Abbrechen' }).click();
    await page.getByRole('button', { name: 'Zeit eintragen' }).click();
    await expect.poll(() => dialog().getByLabel('Tätigkeit').inputValue(), PATIENT).toBe('');
    await page.keyboard.press('Escape');
  });

  it('stays in the field of a title and a description that could not be saved', async () => {
    await page.goto(`/tickets/${ticketId}`);
    const changes = (url: URL) => url.pathname === `/api/v1/tickets/${ticketId}`;
    session.allow(503, `/tickets/${ticketId}`);
    for (const field of ['Betreff', 'Beschreibung']) {
      const text = page.getByRole('textbox', { name: field, exact: true });
      await page.getByRole('button', { name: `${field} bearbeiten` }).click();
      await text.fill(`Lang getippt ${field} ${RUN}`);
      await page.route(changes, (route) =>
        route.request().method() === 'PATCH' ? route.fulfill({ status: 503 }) : route.continue(),
      );
      await page.getByRole('button', { name: 'Speichern', exact: true }).click();
      await page
        .getByText(/^Nicht gespeichert/)
        .first()
        .waitFor();
      await expect.poll(() => text.inputValue(), PATIENT).toBe(`Lang getippt ${field} ${RUN}`);
      await page.unroute(changes);
      await page.getByRole('button', { name: 'Speichern', exact: true }).click();
      await text.waitFor({ state: 'detached' });
    }
    const saved = async () => (await platform.api(ADMIN, 'GET', `/tickets/${ticketId}`)).body.data;
    await expect.poll(saved, PATIENT).toMatchObject({
      title: `Lang getippt Betreff ${RUN}`,
      description: `Lang getippt Beschreibung ${RUN}`,
    });
  });

  it('and kept of a title is not saved over what others made of it meanwhile', async () => {
    const address = `/tickets/${ticketId}`;
    session.allow(412, address);
    await page.goto(address);
    const title = page.getByRole('textbox', { name: 'Betreff', exact: true });
    await page.getByRole('button', { name: 'Betreff bearbeiten' }).click();
    await title.fill(`Meines ${RUN}`);
    await navigation(page, 'Suche').click();
    await heading('Suche');
    await platform.api(ADMIN, 'PATCH', address, { title: `Ihres ${RUN}` });
    await page.goto(address);
    await expect.poll(() => title.inputValue(), PATIENT).toBe(`Meines ${RUN}`);
    await title.press('Enter');
    await dialog().getByText(`Ihres ${RUN}`).waitFor();
    const titleNow = async () => (await platform.api(ADMIN, 'GET', address)).body.data.title;
    expect(await titleNow()).toBe(`Ihres ${RUN}`);
    await dialog().getByRole('button', { name: 'Meine Änderung trotzdem speichern' }).click();
    await expect.poll(titleNow, PATIENT).toBe(`Meines ${RUN}`);
    await title.waitFor({ state: 'detached' });
  });

  it.each([
    ['/customers', 'Neuer Kunde', 'Name'],
    ['/settings/teams', 'Neues Team', 'Name'],
    ['/settings/sla', 'Neue SLA-Regel', 'Name'],
    ['/settings/calendars', 'Neue Geschäftszeiten', 'Name'],
    ['/settings/rules', 'Neue Zuweisungsregel', 'Name'],
    ['/settings/users', 'Neuer Benutzer', 'Name'],
  ])('stands in the dialog of %s', async (address, button, field) => {
    await page.goto(address);
    await page.getByRole('button', { name: button }).click();
    const name = dialog().getByRole('textbox', { name: field, exact: false }).first();
    await name.fill(`Entwurf ${RUN}`);
    await page.goto(address);
    await page.getByRole('button', { name: button }).click();
    await expect.poll(() => name.inputValue(), PATIENT).toBe(`Entwurf ${RUN}`);
    await dialog().getByRole('button', { name: 'Abbrechen' }).click();
  });

  it('says in a dialog when somebody else changes the same, and takes over what they change beside it', async () => {
    const team = { name: `Nacht ${RUN}`, member_ids: [] };
    const made = await platform.api(ADMIN, 'POST', '/teams', team);
    const path = `/teams/${made.body.data.id}`;
    await page.goto('/settings/teams');
    await page.getByRole('button', { name: new RegExp(`${team.name}.*bearbeiten`) }).click();
    const name = dialog().getByRole('textbox', { name: 'Name' });
    await name.fill(`Meine ${RUN}`);
    await platform.api(ADMIN, 'PATCH', path, { name: `Ihre ${RUN}` });
    await dialog().getByText('Jemand anderes hat inzwischen geändert').waitFor();
    expect(await name.inputValue()).toBe(`Meine ${RUN}`);
    await dialog().getByRole('button', { name: 'Neu anfangen' }).click();
    await expect.poll(() => name.inputValue(), PATIENT).toBe(`Ihre ${RUN}`);
    await platform.api(ADMIN, 'PATCH', path, { name: `Wieder ${RUN}` });
    await expect.poll(() => name.inputValue(), PATIENT).toBe(`Wieder ${RUN}`);
    await dialog().getByRole('button', { name: 'Abbrechen' }).click();
  });

  it('is asked about where nobody keeps it: the first Escape says so, the second discards', async () => {
    await page.goto('/tickets?priority=medium');
    await page.getByRole('button', { name: 'Ansicht speichern' }).click();
    const name = dialog().getByRole('textbox').first();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Ansicht speichern' }).click();
    await name.fill(`Halb ${RUN}`);
    await page.keyboard.press('Escape');
    await dialog().getByText('Noch einmal Esc verwirft es').waitFor();
    expect(await name.inputValue()).toBe(`Halb ${RUN}`);
    // A press beside it asks as well, and typing on takes the question back.
    await name.fill(`Halb fertig ${RUN}`);
    await dialog().getByText('Noch einmal Esc verwirft es').waitFor({ state: 'detached' });
    await page.mouse.click(5, 5);
    await dialog().getByText('Noch einmal Esc verwirft es').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  it('is never a password', async () => {
    await page.goto('/settings/users');
    await page.getByRole('button', { name: 'Neuer Benutzer' }).click();
    await dialog().locator('input[type=password]').first().fill('streng geheim 123');
    const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
    expect(kept).not.toContain('streng geheim');
    await dialog().getByRole('button', { name: 'Abbrechen' }).click();
  });

  it('is taken by Enter in a field of choices: one match, the first of several, and before they are there', async () => {
    await page.goto('/tickets/new');
    const customer = page.getByRole('combobox', { name: /^Kunde/ });
    const contact = page.getByRole('combobox', { name: /^Kontakt|^Ansprech/ });
    await customer.fill('brau');
    // The company first, then its people.
    await page
      .getByRole('option', { name: /Brauerei/ })
      .first()
      .waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => customer.inputValue(), PATIENT).toContain('Brauerei Hallertau');
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    await expect.poll(() => contact.isEnabled(), PATIENT).toBe(true);

    // Faster than the answer: the form is not sent, the match is taken when it is there.
    await contact.click();
    await page.keyboard.type('anna');
    await page.keyboard.press('Enter');
    await expect.poll(() => contact.inputValue(), PATIENT).toMatch(/^Anna /);
    await expect.poll(() => page.getByText('Bitte einen Betreff').count(), PATIENT).toBe(0);

    await customer.fill('e');
    const first = page.getByRole('option').first();
    await first.waitFor();
    await page.waitForFunction(() => document.querySelector('.combo .spinner') === null);
    const label =
      (await first.locator('.option-text').evaluate((node) => node.firstChild?.textContent)) ?? '';
    await page.keyboard.press('Enter');
    await expect.poll(() => customer.inputValue(), PATIENT).toBe(label);
    await page.getByRole('button', { name: 'Abbrechen' }).click();
  });

  it('finds the customer of a new ticket by person, number and telephone, and with the person its contact', async () => {
    const { body } = await platform.api(ADMIN, 'GET', '/contacts?search=Reiter&include=customer&limit=1');
    const [person] = body.data;
    // Written another way than it is kept.
    const phone = person.phone.replace(/^\+49\s*/, '0').replace(/\s+/g, '/');
    const number = person.customer.customer_number;
    const customer = page.getByRole('combobox', { name: /^Kunde/ });
    const contact = page.getByRole('combobox', { name: /^Ansprech/ });
    for (const [typed, offered, taken] of [
      [person.name, /Reiter/, person.name],
      [phone, /Reiter/, person.name],
      [String(number), new RegExp(`K${number}`), ''],
      [`K${number}`, new RegExp(`K${number}`), ''],
    ] as const) {
      await page.goto('/tickets/new');
      await customer.fill(typed);
      await page.getByRole('option', { name: offered }).first().click();
      await expect.poll(() => customer.inputValue(), PATIENT).toBe(person.customer.name);
      await expect.poll(() => contact.inputValue(), PATIENT).toBe(taken);
      await page.getByRole('button', { name: 'Abbrechen' }).click();
    }
  });

  it('stands after an update took the code of a page away: it is loaded anew by itself, once', async () => {
    const other = await newSession(browser, platform);
    other.allow(404, '/assets/');
    const tab = other.page;
    const message = tab.getByLabel('Nachricht an den Kunden');
    const customers = tab.getByRole('heading', { level: 1, name: 'Kunden' });
    const updated = tab.getByText('Das Portal wurde wohl gerade aktualisiert.');
    await signIn(tab, platform, ADMIN);
    await tab.goto(`/tickets/${ticketId}`);
    await message.fill(`Vor dem Update ${RUN}`);
    let missing = 0;
    await tab.route(
      (url) => /\/assets\/customer-list-page-.*\.js$/.test(url.pathname),
      (route) => (missing-- > 0 ? route.fulfill({ status: 404 }) : route.continue()),
    );
    missing = 1;
    const anew = tab.waitForEvent('load');
    await navigation(tab, 'Kunden').click();
    await anew;
    await customers.waitFor();
    expect(await updated.count()).toBe(0);
    await tab.goto(`/tickets/${ticketId}`);
    await expect.poll(() => message.inputValue(), PATIENT).toBe(`Vor dem Update ${RUN}`);
    await message.fill('');

    // So soon after that it is not tried again, but said.
    missing = 1;
    await navigation(tab, 'Kunden').click();
    await updated.waitFor();
    await tab.getByRole('button', { name: 'Neu laden' }).click();
    await customers.waitFor();

    // Nor where something asks to be stayed for, such as a file that is being sent.
    await tab.goto(`/tickets/${ticketId}`);
    await message.waitFor();
    await tab.evaluate(() => {
      sessionStorage.removeItem('psa.reloaded');
      addEventListener('beforeunload', (event) => event.preventDefault(), { once: true });
    });
    missing = 1;
    await navigation(tab, 'Kunden').click();
    await updated.waitFor();
    await tab.getByRole('button', { name: 'Neu laden' }).click();
    await customers.waitFor();
    await other.close();
  });

  it('stands in the form of a contact in the portal of the customers, until one signs out', async () => {
    const other = await newSession(browser, platform);
    await signIn(other.page, platform, CUSTOMER, '/portal');
    await other.page.goto('/portal/contacts');
    const add = other.page.getByRole('button', { name: 'Person hinzufügen' });
    await add.click();
    const name = other.page.getByRole('dialog').getByRole('textbox', { name: 'Name' });
    await name.fill('Halb getippt');
    await other.page.reload();
    await add.click();
    await expect.poll(() => name.inputValue(), PATIENT).toBe('Halb getippt');
    await other.page.keyboard.press('Escape');
    await other.page.getByRole('button', { name: /Benutzermenü/ }).click();
    await other.page.getByRole('menuitem', { name: 'Abmelden' }).click();
    await other.page.getByText('Abgemeldet.').waitFor();
    const kept = await other.page.evaluate(() =>
      JSON.stringify([{ ...sessionStorage }, { ...localStorage }]),
    );
    expect(kept).not.toContain('Halb getippt');
    await other.close();
  });
});
