import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BrowserSession,
  expectNoAxeViolations,
  launchBrowser,
  newSession,
  PATIENT,
  setTheme,
  signIn,
} from './browser.ts';
import { openWhole } from './pages.ts';
import { type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const OPEN = '/tickets?status=open';

describe('the ticket list', () => {
  let platform: Platform;
  let browser: Browser;
  let session: BrowserSession;
  let page: Page;
  const grid = () => page.getByRole('grid', { name: 'Tickets' });
  const chip = (name: string) => page.getByRole('button', { name, exact: true });
  const query = () => new URL(page.url()).searchParams;
  const heading = () => page.getByRole('heading', { level: 1 });
  /** How many tickets the list says it has. */
  const rowCount = async () => Number(await grid().getAttribute('aria-rowcount')) - 1;
  const counted = async (filter: string): Promise<number> =>
    (await platform.api(TECHNICIAN, 'GET', `/tickets?limit=1&count=exact&${filter}`)).body.meta.total;

  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    session = await newSession(browser, platform);
    page = session.page;
    await signIn(page, platform, TECHNICIAN);
  });
  afterAll(async () => {
    await session?.close();
    await browser?.close();
    await platform?.stop();
  });

  it('takes several values of a condition by the keyboard alone, as chips', async () => {
    await openWhole(page, OPEN);
    await page.keyboard.press('f');
    const field = page.getByRole('combobox', { name: 'Filter hinzufügen' });
    await field.fill('kritisch');
    await page.getByRole('option', { name: 'Kritisch Priorität' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/priority=critical/);
    await field.fill('hoch');
    await page.getByRole('option', { name: 'Hoch Priorität' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/priority=high,critical/);
    await expectNoAxeViolations(page);
    await page.keyboard.press('Escape');
    await chip('Priorität: Kritisch, Hoch').waitFor();
    const wanted = await counted('status=open&priority=critical,high');
    expect(wanted).toBeGreaterThan(0);
    await expect.poll(rowCount, PATIENT).toBe(wanted);
    for (const theme of ['dark', 'light'] as const) {
      await setTheme(page, theme);
      await expectNoAxeViolations(page);
    }
  });

  it('opens a condition at its chip, and takes it away by a key', async () => {
    await chip('Priorität: Kritisch, Hoch').click();
    await page.getByRole('combobox', { name: 'Priorität' }).waitFor();
    await page.getByRole('option', { name: 'Hoch', selected: true }).click();
    await chip('Priorität: Kritisch').waitFor();
    await page.keyboard.press('Escape');
    await chip('Priorität: Kritisch').focus();
    await page.keyboard.press('Delete');
    await chip('Priorität: Kritisch').waitFor({ state: 'detached' });
    await expect.poll(() => query().get('priority'), PATIENT).toBeNull();
    // The focus goes on to the chip that is left.
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent), PATIENT)
      .toBe('Status: Alle offenen');
  });

  it('finds customers and colleagues by typing, and takes those without anybody too', async () => {
    await openWhole(page, OPEN);
    await page.keyboard.press('f');
    await page.getByRole('option', { name: 'Zuständig' }).click();
    const people = page.getByRole('combobox', { name: 'Zuständig' });
    await people.fill('Svenja');
    await page.getByRole('option', { name: 'Svenja Arndt' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/assigned_to=/);
    await people.fill('Niemand');
    await page.keyboard.press('Enter');
    await page.waitForURL(/assigned_to=[^&]*none/);
    await people.fill('');
    await page.keyboard.press('Backspace');
    await page.getByRole('option', { name: 'Kunde' }).click();
    await page.getByRole('combobox', { name: 'Kunde' }).fill('Brauerei');
    await page.getByRole('option', { name: /^Brauerei/ }).click();
    await page.waitForURL(/customer_id=/);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Zuständig: Niemand, Svenja Arndt$/ }).waitFor();
    await page.getByRole('button', { name: /^Kunde: Brauerei/ }).waitFor();
    await expect.poll(rowCount, PATIENT).toBe(
      await counted(
        query()
          .toString()
          .replace(/&?view=\w+/, ''),
      ),
    );
  });

  it('keeps both of two conditions that are chosen at once', async () => {
    await openWhole(page, OPEN);
    await page.keyboard.press('f');
    await page.getByRole('option', { name: 'Priorität' }).click();
    const field = page.getByRole('combobox', { name: 'Priorität' });
    await field.waitFor();
    // Before anything of the first can be drawn.
    await field.evaluate((input) => {
      for (const key of ['Enter', 'ArrowDown', 'Enter'])
        input.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    });
    await expect.poll(() => query().get('priority'), PATIENT).toBe('high,critical');
    await page.keyboard.press('Escape');
    await chip('Priorität: Kritisch, Hoch').waitFor();
  });

  it('has its views in the navigation, with how many tickets each has, and goes back to the view', async () => {
    const views = page.getByRole('list', { name: 'Ansichten' });
    for (const [name, filter] of [
      ['Meine', 'status=open&assigned_to=me'],
      ['Nicht zugewiesen', 'status=open&assigned_to=none'],
      ['Fällig und überfällig', 'status=open&sla=overdue,at_risk'],
      ['Warten auf Kunden', 'status=waiting_customer'],
      ['Alle Tickets', ''],
    ] as const) {
      await views.getByRole('link', { name: `${name} ${await counted(filter)}`, exact: true }).waitFor();
    }
    await views.getByRole('link', { name: /^Meine/ }).click();
    await page.waitForURL(/assigned_to=me$/);
    await heading().getByText('Meine').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Zurücksetzen' }).count(), PATIENT).toBe(0);
    await page.getByRole('button', { name: 'Filter „Status“ entfernen' }).click();
    await page.waitForURL(/view=mine/);
    await heading().getByText('Meine').waitFor();
    // Also after a reload the list knows where it came from.
    await page.reload();
    await page.getByRole('button', { name: 'Zurücksetzen' }).click();
    await page.waitForURL((url) => url.search === '?status=open&assigned_to=me');
    await chip('Status: Alle offenen').waitFor();
  });

  it('saves a view and deletes it', async () => {
    const name = 'Hohe';
    await openWhole(page, '/tickets?priority=high');
    await page.getByRole('button', { name: 'Ansicht speichern' }).click();
    const dialog = page.getByRole('dialog', { name: 'Ansicht speichern' });
    await dialog.getByLabel('Name der Ansicht').fill(name);
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    const views = page.getByRole('list', { name: 'Ansichten' });
    await views.getByRole('link', { name }).waitFor();
    await views.getByRole('link', { name: /^Alle Tickets/ }).click();
    await page.waitForURL((url) => url.search === '');
    await views.getByRole('link', { name }).click();
    await page.waitForURL(/priority=high/);
    await heading().getByText(name).waitFor();
    await page.getByRole('button', { name: `Ansicht „${name}“ löschen` }).click();
    await views.getByRole('link', { name }).waitFor({ state: 'detached' });
  });

  it('counts anew when something changes', async () => {
    await openWhole(page, OPEN);
    const link = page
      .getByRole('list', { name: 'Ansichten' })
      .getByRole('link', { name: /^Nicht zugewiesen/ });
    const before = await counted('status=open&assigned_to=none');
    await expect.poll(() => link.textContent(), PATIENT).toBe(`Nicht zugewiesen ${before}`);
    const [customer] = (await platform.api(TECHNICIAN, 'GET', '/customers?limit=1')).body.data;
    const made = await platform.api(TECHNICIAN, 'POST', '/tickets', {
      title: 'Noch ohne jemanden',
      description: 'x',
      customer_id: customer.id,
      assigned_to: null,
    });
    expect(made.status).toBe(201);
    const now = await counted('status=open&assigned_to=none');
    await expect.poll(() => link.textContent(), PATIENT).toBe(`Nicht zugewiesen ${now}`);
  });

  it('begins 90 px below the top of the window, and stays there when a row is ticked', async () => {
    await openWhole(page, OPEN);
    const top = async () => (await grid().boundingBox())!.y;
    expect(await top()).toBeLessThanOrEqual(90);
    const before = await top();
    const row = grid().getByRole('row').nth(3);
    const at = await row.boundingBox();
    await row.getByRole('checkbox').click();
    await page.getByRole('region', { name: 'Aktionen für die Auswahl' }).waitFor();
    expect(await top()).toBe(before);
    expect(await row.boundingBox()).toEqual(at);
    await expectNoAxeViolations(page);
    await row.getByRole('checkbox').click();
  });

  it('gives the customer the room that there is', async () => {
    const width = await grid()
      .getByRole('columnheader', { name: 'Kunde' })
      .evaluate((cell) => cell.getBoundingClientRect().width);
    expect(width).toBeGreaterThan(170);
  });

  it('shows the columns that one has chosen, also the next time', async () => {
    const header = (name: string) => grid().getByRole('columnheader', { name });
    await page.getByRole('button', { name: 'Spalten' }).click();
    await page.getByRole('option', { name: 'Kategorie' }).click();
    await page.getByRole('option', { name: 'Priorität' }).click();
    await page.keyboard.press('Escape');
    await header('Kategorie').waitFor();
    await page.reload();
    await header('Kategorie').waitFor();
    expect(await header('Prio.').count()).toBe(0);
  });

  it('is led to by the bars of the dashboard, of all, of my team, or mine', async () => {
    const open = (of: string) => platform.api(TECHNICIAN, 'GET', `/tickets/stats?of=${of}`);
    const whose = page.getByRole('navigation', { name: 'Wessen Tickets' });
    for (const [name, of, condition] of [
      ['Mein Team', 'team', 'team_id=mine'],
      ['Meine', 'mine', 'assigned_to=me'],
      ['Alle', 'all', ''],
    ] as const) {
      await openWhole(page, '/');
      await whose.getByRole('link', { name, exact: true }).click();
      const { data } = (await open(of)).body;
      const bar = page
        .getByRole('figure', { name: 'Offene Tickets nach Priorität' })
        .getByRole('link', { name: `Hoch ${data.open_by_priority.high}`, exact: true });
      await bar.waitFor();
      await expectNoAxeViolations(page);
      await bar.click();
      await page.waitForURL((url) => url.pathname === '/tickets' && url.search.includes(condition));
      await expect.poll(rowCount, PATIENT).toBe(data.open_by_priority.high);
    }
    // The choice is kept.
    await openWhole(page, '/?of=team');
    await whose.getByRole('link', { name: 'Mein Team', exact: true }).click();
    await openWhole(page, '/');
    await expect
      .poll(
        () => whose.getByRole('link', { name: 'Mein Team', exact: true }).getAttribute('aria-current'),
        PATIENT,
      )
      .toBe('page');
    await whose.getByRole('link', { name: 'Alle', exact: true }).click();
  });

  it('shows what was opened on a day', async () => {
    const { data } = (await platform.api(TECHNICIAN, 'GET', '/tickets/stats')).body;
    const today = data.created_per_day.at(-1);
    await openWhole(page, '/');
    await page.locator('.day').last().click();
    await page.waitForURL(/created_after=/);
    await expect.poll(rowCount, PATIENT).toBe(today.created);
    await page.getByRole('button', { name: /^Eröffnet: \d\d\.\d\d\.\d{4}$/ }).waitFor();
  });

  it('says when which deadline is due', async () => {
    await openWhole(page, `${OPEN}&sort=sla_due&order=asc`);
    const text = await grid().locator('.sla-text').first().textContent();
    expect(text).toMatch(/^((Mo|Di|Mi|Do|Fr|Sa|So) |\d\d\.\d\d\., )?\d\d:\d\d/);
    expect(text).toMatch(/Reaktion|Lösung/);
  });
});
