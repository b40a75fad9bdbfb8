import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type BrowserSession,
  expectNoAxeViolations,
  historyOf,
  launchBrowser,
  navigation,
  newSession,
  PATIENT,
  screenshot,
  setTheme,
} from './browser.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

/** The same tests may run twice against one platform: what they make has a name of its own. */
const RUN = Date.now().toString(36);

interface NamedTicket {
  readonly id: string;
  readonly ticket_number: number;
}

describe('the technician portal', () => {
  let platform: Platform;
  let browser: Browser;
  let day: BrowserSession;
  let page: Page;
  let customerId: string;
  let ticket: NamedTicket;
  const subject = `Etikettendrucker im Lager streikt ${RUN}`;

  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    day = await newSession(browser, platform);
    page = day.page;
    const me = await platform.api(CUSTOMER, 'GET', '/auth/me');
    customerId = me.body.data.customer_id;
    ticket = await newTicket(subject);
  });
  afterEach(() => expect(day.problems).toEqual([]));
  afterAll(async () => {
    await day?.context.close();
    await browser?.close();
    await platform?.stop();
  });

  async function newTicket(title: string): Promise<NamedTicket> {
    const made = await platform.api(TECHNICIAN, 'POST', '/tickets', {
      customer_id: customerId,
      title,
      description: 'Seit heute früh kommt nur noch leeres Papier.',
      priority: 'high',
    });
    expect(made.status).toBe(201);
    return made.body.data;
  }
  const openTicket = async ({ id }: NamedTicket, title: string) => {
    await page.goto(`/tickets/${id}`);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
  };
  const statusNow = async () =>
    (await platform.api(TECHNICIAN, 'GET', `/tickets/${ticket.id}`)).body.data.status;
  const grid = () => page.getByRole('grid', { name: 'Tickets' });
  const rowCount = async () => Number(await grid().getAttribute('aria-rowcount')) - 1;

  /** Pictures of demo tickets, without what these tests make; comes back to the dashboard. */
  async function demoPictures(): Promise<void> {
    await page.goto('/tickets?priority=medium');
    await grid().getByRole('row').nth(5).waitFor();
    await screenshot(page, 'technician-tickets');
    const title = 'Teams-Besprechungen: niemand hört uns';
    const found = await platform.api(TECHNICIAN, 'GET', '/tickets?search=Besprechungen');
    await openTicket(found.body.data[0], title);
    await page.getByText('das Mikrofon leuchtet grün').first().waitFor();
    await screenshot(page, 'technician-ticket');
    await setTheme(page, 'dark');
    await screenshot(page, 'technician-ticket-dark');
    await setTheme(page, 'light');
    await page.goto('/');
  }

  it('refuses a wrong password, says so, and accepts the right one', async () => {
    day.allow(401, '/api/v1/auth/');
    await page.goto('/tickets');
    await page.waitForURL(/\/login\?/);
    await page.getByLabel('E-Mail-Adresse').fill(TECHNICIAN);
    await page.getByLabel('Passwort', { exact: true }).fill('not the password');
    await page.getByRole('button', { name: 'Anmelden' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    await expect.poll(() => alert.textContent(), PATIENT).toContain('stimm');
    await expect.poll(() => page.getByLabel('Passwort', { exact: true }).inputValue(), PATIENT).toBe('');
    await page.getByLabel('Passwort', { exact: true }).fill(platform.password);
    await page.getByRole('button', { name: 'Anmelden' }).click();
    // On to where one wanted to go.
    await page.waitForURL((url) => url.pathname === '/tickets');
    await grid().waitFor();
  });

  it('shows on the dashboard what is mine, what is at risk and how things go', async () => {
    await navigation(page, 'Übersicht').click();
    await page.getByRole('heading', { name: 'Übersicht' }).waitFor();
    const stats = (await platform.api(TECHNICIAN, 'GET', '/tickets/stats')).body.data;
    for (const [name, value] of [
      ['Alle offenen', Object.values<number>(stats.open_by_status).reduce((sum, n) => sum + n, 0)],
      ['SLA gefährdet', stats.sla_at_risk],
      ['SLA verletzt', stats.sla_breached_open],
      ['Nicht zugewiesen', stats.unassigned],
    ]) {
      await page.getByRole('link', { name: `${value} ${name}`, exact: true }).waitFor();
    }
    for (const title of ['Offene Tickets nach Status', 'Eröffnet und gelöst pro Tag']) {
      await page.getByRole('figure', { name: title }).waitFor();
    }
    await screenshot(page, 'technician-dashboard');
    if (process.env.PSA_SCREENSHOTS === '1') await demoPictures();
    await page.getByRole('link', { name: /^\d+ SLA gefährdet$/ }).click();
    await page.waitForURL(/sla=at_risk/);
  });

  it('filters the list; the address carries the filter and a reload keeps it', async () => {
    await page.goto('/tickets');
    await grid().waitFor();
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('combobox', { name: 'Filter hinzufügen' }).fill('Hoch');
    await page.keyboard.press('Enter');
    await page.waitForURL(/priority=high/);
    await page.keyboard.press('Escape');
    await page.getByLabel('Tickets durchsuchen').fill(RUN);
    await page.waitForURL(new RegExp(RUN));
    await grid().getByText(subject).waitFor();
    await expect.poll(rowCount, PATIENT).toBe(1);
    await page.reload();
    await grid().getByText(subject).waitFor();
    await expect.poll(rowCount, PATIENT).toBe(1);
    await page.getByRole('button', { name: 'Priorität: Hoch' }).waitFor();
    await expect.poll(() => page.getByLabel('Tickets durchsuchen').inputValue(), PATIENT).toBe(RUN);
  });

  it('changes two tickets at once', async () => {
    const titles = [`Sammelaktion eins ${RUN}`, `Sammelaktion zwei ${RUN}`];
    const made = [await newTicket(titles[0] as string), await newTicket(titles[1] as string)];
    const query = `/tickets?search=Sammelaktion+${RUN}`;
    // The index follows a moment later.
    await expect
      .poll(async () => (await platform.api(TECHNICIAN, 'GET', query)).body.data.length, PATIENT)
      .toBe(2);
    await page.goto(query);
    await expect.poll(rowCount, PATIENT).toBe(2);
    for (const title of titles) {
      await grid().getByRole('row').filter({ hasText: title }).getByRole('checkbox').click();
    }
    const bar = page.getByRole('region', { name: 'Aktionen für die Auswahl' });
    await bar.getByRole('button', { name: 'Priorität setzen' }).click();
    await page.getByRole('combobox', { name: 'Priorität setzen' }).fill('Niedrig');
    await page.keyboard.press('Enter');
    await page.getByText('2 Tickets geändert').waitFor();
    for (const { id } of made) {
      const { body } = await platform.api(TECHNICIAN, 'GET', `/tickets/${id}`);
      expect(body.data.priority).toBe('low');
    }
  });

  it('draws only the rows in sight, to the very last one', async () => {
    await page.goto('/tickets?sort=ticket_number&order=desc');
    await expect.poll(rowCount, PATIENT).toBeGreaterThan(50);
    await grid().getByText(subject).waitFor();
    const all = await rowCount();
    const drawn = await grid().getByRole('row').count();
    expect(drawn).toBeLessThan(all);
    await grid().focus();
    await page.keyboard.press('End');
    await grid()
      .locator(`[aria-rowindex="${all + 1}"]`)
      .waitFor();
    await expect.poll(() => grid().locator('[aria-rowindex="2"]').count(), PATIENT).toBe(0);
  });

  it('answers the customer and notes for the team what the customer never sees', async () => {
    await openTicket(ticket, subject);
    const answer = `Bitte einmal aus- und einschalten. ${RUN}`;
    const note = `Druckkopf ist bestellt. ${RUN}`;
    await page.getByLabel('Nachricht an den Kunden').fill(answer);
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await page.getByRole('article', { name: 'Antwort an den Kunden' }).getByText(answer).waitFor();
    await page.getByRole('radio', { name: 'Interne Notiz' }).check();
    await page.getByLabel('Notiz nur fürs Team').fill(note);
    await expectNoAxeViolations(page);
    await page.keyboard.press('Control+Enter');
    await page.getByRole('article', { name: 'Interne Notiz' }).getByText(note).waitFor();
    const seen = await platform.api(CUSTOMER, 'GET', `/tickets/${ticket.id}/comments`);
    const bodies = seen.body.data.map((comment: { body: string }) => comment.body);
    expect(bodies).toContain(answer);
    expect(bodies).not.toContain(note);
  });

  it('runs a timer and books the time', async () => {
    await page.getByRole('button', { name: 'Zeit starten' }).click();
    const chip = page.getByRole('link', { name: `Zeiterfassung läuft für Ticket ${ticket.ticket_number}` });
    await chip.waitFor();
    await page.getByRole('button', { name: 'Beenden und buchen' }).click();
    const dialog = page.getByRole('dialog', { name: 'Zeit eintragen' });
    await dialog.getByLabel('Dauer').fill('0:25');
    await dialog.getByLabel('Tätigkeit').fill(`Druckkopf gereinigt ${RUN}`);
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Zeit buchen' }).click();
    await page.getByText(`Druckkopf gereinigt ${RUN}`).waitFor();
    await page.getByText('Gesamt 25 Min.').waitFor();
    await page.getByRole('button', { name: 'Zeit starten' }).waitFor();
  });

  it('takes the ticket over and gives it to somebody else', async () => {
    // The page is scrolled down to the booked time: the field comes into sight with the focus, its list stays.
    const assignee = page.getByRole('combobox', { name: 'Zuständig' });
    await page.getByText(`Druckkopf gereinigt ${RUN}`).scrollIntoViewIfNeeded();
    await assignee.fill('Mira');
    const mira = page.getByRole('option', { name: /Mira Yılmaz/ });
    await mira.waitFor();
    // While its list is open, react-aria sets aria-hidden on everything but the field and the list, and has no
    // switch for that; axe sees what could take the focus in there. Nothing does: the list is gone before the
    // focus is anywhere else, as the next lines show.
    await expectNoAxeViolations(page, ['aria-hidden-focus']);
    await page.keyboard.press('Tab');
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.closest('[aria-hidden="true"]') ?? null)).toBe(
      null,
    );
    await assignee.fill('Mira');
    await mira.click();
    await expect
      .poll(async () => {
        const { body } = await platform.api(TECHNICIAN, 'GET', `/tickets/${ticket.id}?include=assignee`);
        return body.data.assignee?.name;
      }, PATIENT)
      .toBe('Mira Yılmaz');
    await page.getByRole('button', { name: 'Mir zuweisen' }).click();
    await expect.poll(() => assignee.inputValue(), PATIENT).toBe('Jonas Petersen');
  });

  it('offers only statuses that may follow', async () => {
    const title = `Bildschirm getauscht ${RUN}`;
    const done = await newTicket(title);
    const change = (status: string) => platform.api(TECHNICIAN, 'PATCH', `/tickets/${done.id}`, { status });
    expect((await change('closed')).status).toBe(200);
    await openTicket(done, title);
    const status = page.getByRole('region', { name: 'Eigenschaften' }).getByLabel('Status');
    await expect.poll(() => status.inputValue(), PATIENT).toBe('closed');
    const offered = await status
      .locator('option')
      .evaluateAll((options) => options.map((option) => (option as { value?: string }).value));
    const { body } = await platform.api(TECHNICIAN, 'GET', `/tickets/${done.id}`);
    expect(offered.toSorted()).toEqual(['closed', ...body.data.allowed_transitions].toSorted());
    for (const forbidden of ['assigned', 'waiting_customer', 'resolved']) {
      expect(offered).not.toContain(forbidden);
      expect((await change(forbidden)).status, forbidden).toBe(409);
    }
    await status.selectOption('new');
    await expect
      .poll(
        async () => (await platform.api(TECHNICIAN, 'GET', `/tickets/${done.id}`)).body.data.status,
        PATIENT,
      )
      .toBe('new');
  });

  it('takes up the work and explains the due time', async () => {
    await openTicket(ticket, subject);
    const status = page.getByRole('region', { name: 'Eigenschaften' }).getByLabel('Status');
    await expect.poll(() => status.inputValue(), PATIENT).toBe('assigned');
    await status.selectOption('in_progress');
    await expect.poll(statusNow, PATIENT).toBe('in_progress');

    await page.getByText('So kommt die Frist zustande').click();
    await page.getByText(/^Regel: /).waitFor();
    await page.getByText('Gezählt').first().waitFor();
    await expectNoAxeViolations(page);
  });

  it('attaches a file and gives back the same bytes', async () => {
    const content = `Seriennummer;Standort\n4711;Lager ${RUN}\n`;
    const name = `inventar-${RUN}.csv`;
    await page.getByText('Dateien hinzufügen').click();
    const panel = page.getByRole('region', { name: 'Dateien hinzufügen' });
    const input = panel.locator('input[type=file]');
    // A program is refused when it is chosen, not after the reply has gone out.
    await input.setInputFiles({
      name: 'setup.exe',
      mimeType: 'application/x-msdownload',
      buffer: Buffer.from('MZ'),
    });
    await panel.getByText('setup.exe: Dieser Dateityp wird nicht angenommen.').waitFor();
    await input.setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
    await page.getByRole('button', { name: 'Hochladen' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('link', { name: `${name} herunterladen` })
        .first()
        .click(),
    ]);
    expect(download.suggestedFilename()).toBe(name);
    expect(await readFile(await download.path(), 'utf8')).toBe(content);
  });

  it('keeps a history of all that', async () => {
    await historyOf(page).click();
    const history = page.locator('details').filter({ has: historyOf(page) });
    for (const done of ['hat das Ticket erfasst', 'hat geschrieben', 'hat Zeit gebucht', 'hat zugewiesen']) {
      await history.getByText(done).first().waitFor();
    }
    await history.getByText('In Arbeit').first().waitFor();
  });

  it('shows what others do without a reload', async () => {
    const text = `Der Techniker vom Hersteller kommt morgen. ${RUN}`;
    await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
    const said = await platform.api(ADMIN, 'POST', `/tickets/${ticket.id}/comments`, {
      body: text,
      visibility: 'public',
    });
    expect(said.status).toBe(201);
    await page.getByText(text).waitFor();
    const changed = await platform.api(ADMIN, 'PATCH', `/tickets/${ticket.id}`, { priority: 'critical' });
    expect(changed.status).toBe(200);
    const priority = page.getByRole('region', { name: 'Eigenschaften' }).getByLabel('Priorität');
    await expect.poll(() => priority.inputValue(), PATIENT).toBe('critical');
    expect(await page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
  });

  it('opens a new ticket', async () => {
    await page.getByRole('button', { name: 'Neues Ticket' }).click();
    await page.getByRole('button', { name: 'Ticket anlegen' }).click();
    await page.getByText('Bitte einen Kunden auswählen.').waitFor();
    // The list of the first field is open; what that means for axe is said where a technician is chosen.
    await page.getByRole('listbox').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    await expectNoAxeViolations(page);
    await page.getByRole('combobox', { name: /^Kunde/ }).fill('Kanzlei');
    await page.getByRole('option', { name: /Kanzlei Vogt/ }).click();
    const title = `Anruf: Scanner ohne Netz ${RUN}`;
    await page.getByLabel(/^Betreff/).fill(title);
    await page.getByLabel(/^Beschreibung/).fill('Steht seit dem Umzug im Flur.');
    await page.getByRole('button', { name: 'Ticket anlegen' }).click();
    await page.waitForURL(/\/tickets\/[0-9a-f-]{36}$/);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await page
      .getByRole('link', { name: /Kanzlei Vogt/ })
      .first()
      .waitFor();
  });

  it('shows customers and their contacts', async () => {
    await navigation(page, 'Kunden').click();
    await page.getByRole('searchbox', { name: 'Kunden durchsuchen' }).fill('Brauerei');
    await page.getByRole('link', { name: 'Brauerei Hallertau GmbH', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Brauerei Hallertau GmbH' }).waitFor();
    await page.getByText('Anna Reiter').first().waitFor();
    await page.getByRole('link', { name: 'customer@demo.example' }).waitFor();
  });

  it('finds in spite of a typo, by search page and by keyboard alone', async () => {
    await page.goto('/search?q=Druker');
    await page
      .getByRole('list', { name: 'Suchergebnisse' })
      .getByText(/drucker/i)
      .first()
      .waitFor();

    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('combobox', { name: 'Befehle und Suche' });
    await palette.waitFor();
    await expectNoAxeViolations(page);
    await page.keyboard.type('Etiketendrucker');
    await page.getByRole('option', { name: new RegExp(RUN) }).waitFor();
    for (let step = 0; step < 20; step += 1) {
      const active = await palette.getAttribute('aria-activedescendant');
      if (active && (await page.locator(`[id="${active}"]`).textContent())?.includes(RUN)) break;
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /Etikettendrucker/ }).waitFor();
  });

  it('says that it is offline, loses nothing, and goes on afterwards', async () => {
    await openTicket(ticket, subject);
    const text = `Im Keller ohne Empfang geschrieben. ${RUN}`;
    await day.setOffline(true);
    await page.getByText(/^Offline seit \d\d:\d\d Uhr\./).waitFor();
    await page.getByLabel('Nachricht an den Kunden').fill(text);
    await page.getByRole('button', { name: 'Antwort senden' }).click();
    await page.getByRole('alert').filter({ hasText: 'Unklar, ob der Beitrag ankam' }).waitFor();
    await expect.poll(() => page.getByLabel('Nachricht an den Kunden').inputValue(), PATIENT).toBe(text);
    await expectNoAxeViolations(page);
    await day.setOffline(false);
    await page.getByText(/^Offline seit/).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Erneut versuchen' }).first().click();
    await page.getByRole('article', { name: 'Antwort an den Kunden' }).getByText(text).waitFor();
  });

  it('switches language and theme at once and keeps both', async () => {
    const menu = async (entry: string) => {
      await page.getByRole('button', { name: /(Benutzermenü von|User menu of) Jonas/ }).click();
      await page.getByRole('menuitemradio', { name: entry, exact: true }).click();
      await page.keyboard.press('Escape');
    };
    await menu('English');
    await navigation(page, 'Overview').waitFor();
    await menu('Dark');
    await page.reload();
    await navigation(page, 'Overview').waitFor();
    await expect.poll(() => page.locator('html').getAttribute('lang'), PATIENT).toBe('en');
    const scheme = await page.evaluate(
      () => getComputedStyle(document.documentElement).colorScheme as string,
    );
    expect(scheme).toBe('dark');
    await menu('System setting');
    await menu('Deutsch');
    await navigation(page, 'Übersicht').waitFor();
  });

  it('signs out, and the way back is closed', async () => {
    await page.goto('/');
    await page.getByRole('button', { name: /Benutzermenü von Jonas/ }).click();
    await page.getByRole('menuitem', { name: 'Abmelden' }).click();
    await page.waitForURL(/\/login/);
    await page.goto('/tickets');
    await page.waitForURL(/\/login/);
  });
});
