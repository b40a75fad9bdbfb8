import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, PATIENT, setTheme, signIn } from './browser.ts';
import { expectLightLoad } from './first-load.ts';
import { addressesOf, isOpen, openWhole, TECHNICIANS } from './pages.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

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
    await checkPages(session.page, addressesOf(TECHNICIANS, isOpen, {}));
    await session.close();
  });

  it.each([
    ['a technician', TECHNICIAN],
    ['an administrator', ADMIN],
  ])('has no accessibility violation for %s, light or dark', async (_, email) => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/');
    const found = await platform.api(TECHNICIAN, 'GET', '/tickets?limit=1&status=in_progress');
    const { id: ticket, customer_id: customer } = found.body.data[0];
    await signIn(page, platform, email);
    // What both see alike is looked at once.
    const wanted = ({ path, access }: Parameters<typeof isOpen>[0]) =>
      email === ADMIN
        ? /settings|import/.test(path)
        : access === 'session' || ['ticket:create', 'customer:view'].includes(access);
    await checkPages(page, [...addressesOf(TECHNICIANS, wanted, { ticket, customer }), '/nowhere']);
    await session.close();
  });

  it('lets an administrator add and delete business hours and an SLA policy', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const token = Date.now().toString(36);
    const [calendar, policy] = [`Samstags ${token}`, `Wochenende ${token}`];
    await signIn(page, platform, ADMIN);

    await page.goto('/settings/calendars');
    await page.getByRole('button', { name: 'Neue Geschäftszeiten' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(calendar);
    await dialog.getByLabel('Zeitzone').fill('Europe/Bielefeld');
    await dialog.getByLabel('Montag').fill('17:00–08:00');
    await dialog.getByLabel('Samstag').fill('9:00-12:00, 13:00-15:30');
    await dialog
      .getByRole('textbox', { name: 'Feiertage' })
      .fill('26.12.2026 Zweiter Weihnachtstag\nirgendwann');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Diese Zeitzone ist nicht bekannt.').waitFor();
    await dialog.getByText('Bitte Zeiten wie 08:00–17:00 angeben').waitFor();
    await dialog.getByText('Diese Zeile lässt sich nicht lesen: irgendwann').waitFor();
    await expectNoAxeViolations(page);
    await dialog.getByLabel('Zeitzone').fill('Europe/Vienna');
    await dialog.getByLabel('Montag').fill('');
    await dialog.getByRole('textbox', { name: 'Feiertage' }).fill('26.12.2026 Zweiter Weihnachtstag');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByRole('heading', { name: calendar }).waitFor();
    const calendars = (await platform.api(ADMIN, 'GET', '/calendars?limit=100')).body.data;
    const made = calendars.find(({ name }: { name: string }) => name === calendar);
    expect(made).toMatchObject({
      time_zone: 'Europe/Vienna',
      holidays: [{ date: '2026-12-26', name: 'Zweiter Weihnachtstag' }],
      week: {
        1: [],
        2: [{ start: '08:00', end: '17:00' }],
        6: [
          { start: '09:00', end: '12:00' },
          { start: '13:00', end: '15:30' },
        ],
      },
    });

    await page.goto('/settings/sla');
    await page.getByRole('button', { name: 'Neue SLA-Regel' }).click();
    await dialog.getByLabel('Name').fill(policy);
    await dialog.getByLabel('Geschäftszeiten').selectOption(calendar);
    await dialog.getByLabel('Hoch: Reaktion').fill('0,5 h');
    await dialog.getByLabel('Hoch: Lösung').fill('4 Std.');
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByRole('row', { name: policy }).getByText(calendar).waitFor();
    const policies = (await platform.api(ADMIN, 'GET', '/sla-policies?limit=100')).body.data;
    expect(policies.find(({ name }: { name: string }) => name === policy)).toMatchObject({
      calendar_id: made.id,
      is_default: false,
      targets: { high: { response_minutes: 30, resolution_minutes: 240 } },
    });

    // Business hours that a policy counts by cannot go; after the policy they can.
    await page.goto('/settings/calendars');
    await page.getByRole('button', { name: `${calendar} bearbeiten` }).click();
    await dialog.getByText('Eine SLA-Regel nutzt diese Geschäftszeiten').waitFor();
    await page.goto('/settings/sla');
    for (const name of [policy, calendar]) {
      if (name === calendar) await page.goto('/settings/calendars');
      await page.getByRole('button', { name: `${name} bearbeiten` }).click();
      await dialog.getByRole('button', { name: 'Löschen' }).click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
      await page.getByRole('button', { name: `${name} bearbeiten` }).waitFor({ state: 'detached' });
    }
    await session.close();
  });

  it('lets an administrator keep the categories that customers choose from', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const name = `Kassen ${Date.now().toString(36)}`;
    const choices = async () => (await platform.api(CUSTOMER, 'GET', '/tickets/categories')).body.data;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/categories');
    await page.getByRole('button', { name: 'Neue Kategorie' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByRole('row', { name }).waitFor();
    expect(await choices()).toContain(name);
    await page.getByRole('button', { name: `${name} bearbeiten` }).click();
    await dialog.getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('button', { name: `${name} bearbeiten` }).waitFor({ state: 'detached' });
    expect(await choices()).not.toContain(name);
    await session.close();
  });

  it('tells an administrator in their language why a setting was refused', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    for (const path of ['categories', 'users']) session.allow(409, `/api/v1/${path}`);
    for (const path of ['users', 'sla-policies']) session.allow(400, `/api/v1/${path}`);
    const dialog = page.getByRole('dialog');
    const save = dialog.getByRole('button', { name: 'Speichern' });
    await signIn(page, platform, ADMIN);

    await page.goto('/settings/categories');
    await page.getByRole('button', { name: 'Neue Kategorie' }).click();
    await dialog.getByLabel('Name').fill('drucker');
    await save.click();
    // At its field, once, and with the cursor in it.
    await dialog.getByText('Bitte die markierten Angaben prüfen.').waitFor();
    const name = dialog.getByLabel('Name');
    await expect.poll(() => name.getAttribute('aria-invalid'), PATIENT).toBe('true');
    const note = page.locator(`[id="${await name.getAttribute('aria-describedby')}"]`);
    expect(await note.textContent()).toBe('Das gibt es schon.');
    await expect.poll(() => name.evaluate((field) => field === document.activeElement), PATIENT).toBe(true);
    await dialog.getByRole('button', { name: 'Abbrechen' }).click();
    await page.getByRole('button', { name: 'Drucker bearbeiten' }).click();
    await dialog.getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await page.getByText(/Das wird noch gebraucht\. Bitte erst dort ändern: #\d+/).waitFor();

    await page.goto('/settings/users');
    await page.getByRole('button', { name: 'Neuer Benutzer' }).click();
    await dialog.getByLabel('Name').fill('Zweimal Petersen');
    await dialog.getByLabel('E-Mail').fill(TECHNICIAN);
    await save.click();
    await dialog.getByText('Diese E-Mail-Adresse gehört schon zu einem Benutzer.').waitFor();
    await dialog.getByLabel('Passwort').fill('kurz');
    await save.click();
    await dialog.getByText('Mindestens 12 Zeichen, bitte.').waitFor();
    await dialog.getByRole('button', { name: 'Abbrechen' }).click();

    await page.goto('/settings/sla');
    // Three working days are 24 hours of business time, not one day.
    await page
      .getByRole('row', { name: /^Standard/ })
      .getByText('4 Std. / 24 Std.')
      .waitFor();
    await page.getByRole('button', { name: 'Standard bearbeiten' }).click();
    await dialog.getByLabel('Kritisch: Lösung').fill('1');
    await save.click();
    await dialog.getByText('Die Lösung darf nicht kürzer sein als die Reaktion.').waitFor();
    expect(await dialog.locator('[aria-invalid="true"]').count()).toBe(1);
    await dialog.getByRole('button', { name: 'Abbrechen' }).click();
    await session.close();
  });

  it('makes one team when the answer to the first try got lost', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const name = `Außendienst ${Date.now().toString(36)}`;
    session.allow(503, '/api/v1/teams');
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/teams');
    await page.getByRole('button', { name: 'Neues Team' }).click();
    const dialog = page.getByRole('dialog', { name: 'Neues Team' });
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Bitte ausfüllen.').waitFor();
    await dialog.getByLabel('Name').fill(name);
    let lost = false;
    await page.route(
      (url) => url.pathname === '/api/v1/teams',
      async (route) => {
        if (lost || route.request().method() !== 'POST') return route.fallback();
        lost = true;
        expect((await route.fetch()).status()).toBe(201);
        await route.fulfill({ status: 503, body: '' });
      },
    );
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog
      .getByRole('alert')
      .getByText(/nicht erreichbar/)
      .waitFor();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name }).waitFor();
    const teams = await platform.api(ADMIN, 'GET', '/teams?limit=100');
    expect(teams.body.data.filter((team: { name: string }) => team.name === name)).toHaveLength(1);
    await session.close();
  });

  it('says of an address that leads to nothing that nothing is there, and finds a ticket by its number', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const found = await platform.api(TECHNICIAN, 'GET', '/tickets?limit=1');
    const ticket = found.body.data[0];
    await signIn(page, platform, TECHNICIAN);
    const unknown = randomUUID();
    session.allow(404, unknown);
    const asked: string[] = [];
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      // The views in the navigation are counted on every page.
      if (/^\/api\/v1\/(tickets(?!\/counts)|customers)/.test(pathname)) asked.push(pathname + search);
    });
    for (const [path, requests] of [
      ['/tickets/999999', 1],
      ['/tickets/nichts', 0],
      ['/customers/nichts', 0],
      // What belongs to it is asked for only once it is known to be there.
      [`/tickets/${unknown}`, 1],
      [`/customers/${unknown}`, 1],
    ] as const) {
      asked.length = 0;
      await page.goto(path);
      const name = path.startsWith('/tickets') ? 'Dieses Ticket gibt es nicht' : 'Seite nicht gefunden';
      await page.getByRole('heading', { name }).waitFor();
      expect([path, asked.length], asked.join(' ')).toEqual([path, requests]);
    }
    await page.goto('/customers/import');
    await page.getByRole('heading', { name: 'Kein Zugriff auf diese Seite' }).waitFor();
    await page.goto(`/tickets/${ticket.ticket_number}`);
    await page.getByRole('heading', { name: ticket.title }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/tickets/${ticket.id}`);
    await session.close();
  });

  it.each(['de', 'en'] as const)('cuts no status of the list short (%s)', async (language) => {
    const session = await newSession(browser, platform, { language });
    const { page } = session;
    await signIn(page, platform, TECHNICIAN);
    await page.goto('/tickets?status=waiting_customer');
    const pill = page
      .getByRole('grid')
      .locator('.pill')
      .filter({ hasText: /Wartet auf Kunde|Waiting for customer/ });
    await pill.first().waitFor();
    // Text, padding and round end: whichever reaches furthest.
    const { end, room } = await pill.first().evaluate((element) => {
      const text = document.createRange();
      text.selectNodeContents(element);
      const cell = element.closest('[role="gridcell"]')!;
      const room =
        cell.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(cell).paddingRight);
      const padding = Number.parseFloat(getComputedStyle(element).paddingRight);
      const ends = [text.getBoundingClientRect().right + padding, element.getBoundingClientRect().right];
      return { end: Math.max(...ends), room };
    });
    expect(end).toBeLessThanOrEqual(room);
    await session.close();
  });

  it('forgives a slip of the keyboard where a customer is chosen', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const [customer] = (await platform.api(ADMIN, 'GET', '/customers?limit=1&search=hallertau')).body.data;
    expect(customer?.name).toContain('Hallertau');
    await signIn(page, platform, TECHNICIAN);
    await page.goto('/tickets/new');
    await page.getByRole('combobox', { name: /Kunde/ }).fill('Halertua');
    await page.getByRole('option').filter({ hasText: customer.name }).waitFor();
    await page.getByRole('combobox', { name: /Kunde/ }).fill(`K${customer.customer_number}`);
    await page.getByRole('option').filter({ hasText: customer.name }).waitFor();
    await session.close();
  });

  it('lets a technician make an API key, which is shown this once, and end it', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(400, '/api/v1/api-keys');
    const name = `Skript ${Date.now().toString(36)}`;
    await signIn(page, platform, TECHNICIAN);
    await page.goto('/settings/keys');
    await page.getByRole('button', { name: 'Neuer API-Schlüssel' }).click();
    const dialog = page.getByRole('dialog', { name: 'Neuer API-Schlüssel' });
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Mein Passwort').fill('nicht meines');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Das stimmt nicht.').waitFor();
    await dialog.getByLabel('Mein Passwort').fill(platform.password);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    const once = page.getByRole('alertdialog', { name });
    await once.getByText('Dieser Schlüssel wird nur jetzt gezeigt.').waitFor();
    const key = (await once.getByText(/^psa_/).textContent())!;
    await expectNoAxeViolations(page);
    const me = () => fetch(`${platform.url}/api/v1/auth/me`, { headers: { 'x-api-key': key } });
    expect((await me()).status).toBe(200);
    await once.getByRole('button', { name: 'Schließen' }).last().click();
    const row = page.getByRole('row').filter({ hasText: name });
    await row.getByText(key.slice(0, 12)).waitFor();
    expect(await page.getByText(key).count()).toBe(0);
    await row.getByRole('button', { name: 'Widerrufen' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Widerrufen' }).click();
    await row.waitFor({ state: 'detached' });
    expect((await me()).status).toBe(401);
    await session.close();
  });

  it('offers somebody new the roles that fit, and shows what each may', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/users');
    await page.getByRole('button', { name: 'Neuer Benutzer' }).click();
    const dialog = page.getByRole('dialog');
    const role = dialog.getByLabel('Rolle');
    const offered = () => role.locator('option').allTextContents();
    await expect.poll(offered, PATIENT).toContain('Disposition');
    expect(await offered()).not.toContain('Kundenadministration');
    expect(await role.inputValue()).toBe('technician_l1');
    await dialog.getByLabel('Kunde', { exact: true }).selectOption({ index: 1 });
    expect((await offered()).sort()).toEqual(['Kunde', 'Kundenadministration']);
    expect(await role.inputValue()).toBe('customer_user');
    await dialog.getByRole('button', { name: 'Abbrechen' }).click();

    await page.goto('/settings/roles');
    const row = page.getByRole('row').filter({ hasText: 'Kundenadministration' });
    await row.getByText('Kunden', { exact: true }).waitFor();
    await row.getByText(/^\d+ Rechte$/).click();
    await row.getByText('Ansprechpartner anlegen').waitFor();
    await page.getByRole('row').filter({ hasText: 'Alles' }).first().waitFor();
    await session.close();
  });

  it('lets an administrator revoke an API key, and calls it that', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    const name = `Kassensystem ${Date.now().toString(36)}`;
    const made = await platform.api(ADMIN, 'POST', '/api-keys', {
      name,
      current_password: platform.password,
    });
    expect(made.status).toBe(201);
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/keys');
    const row = page.getByRole('row').filter({ hasText: name });
    await row.getByText('Administration').waitFor();
    await row.getByRole('button', { name: 'Widerrufen' }).click();
    const question = page.getByRole('alertdialog', { name: 'Widerrufen' });
    await question.getByRole('button', { name: 'Widerrufen' }).click();
    await row.waitFor({ state: 'detached' });
    await expect.poll(() => page.getByRole('button', { name: 'Löschen' }).count(), PATIENT).toBe(0);
    await session.close();
  });

  it('loads at most 150 kB until the login and until the dashboard', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    await expectLightLoad(session.context, 'the technicians, login', (page) =>
      page.goto('/login').then(() => page.getByRole('heading', { level: 1 }).waitFor()),
    );
    await signIn(session.page, platform, TECHNICIAN);
    // The dashboard as the first page of the day: a session that is there already, an empty cache.
    await expectLightLoad(session.context, 'the technicians, dashboard', (page) =>
      page.goto('/').then(() => page.getByRole('figure').first().waitFor()),
    );
    await session.close();
  });
});

async function checkPages(page: Page, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await openWhole(page, path);
    for (const colorScheme of ['light', 'dark'] as const) {
      await setTheme(page, colorScheme);
      await expectNoAxeViolations(page);
    }
  }
  await setTheme(page, 'light');
}
