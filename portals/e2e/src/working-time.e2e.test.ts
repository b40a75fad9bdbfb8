import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BrowserSession,
  expectNoAxeViolations,
  historyOf,
  launchBrowser,
  newSession,
  PATIENT,
  screenshot,
  signIn,
} from './browser.ts';
import { message } from './customer-page.ts';
import { ADMIN, CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

describe('a ticket taken down for a customer', () => {
  let platform: Platform;
  let browser: Browser;
  let day: BrowserSession;
  let page: Page;
  let id: string;
  let path: string;
  let company: string;
  const text = 'Am Telefon gemeldet.';

  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    const { body: me } = await platform.api(CUSTOMER, 'GET', '/auth/me');
    const { customer_id } = me.data;
    company = customer_id;
    const { body: people } = await platform.api(
      TECHNICIAN,
      'GET',
      `/contacts?customer_id=${customer_id}&search=Hausner`,
    );
    const { status, body } = await platform.api(TECHNICIAN, 'POST', '/tickets', {
      ...{ customer_id, contact_id: people.data[0].id, source: 'phone' },
      ...{ title: 'Sudhaus ohne Netz', description: text },
    });
    expect(status).toBe(201);
    id = body.data.id;
    path = `/tickets/${id}/time-entries`;
    await platform.api(TECHNICIAN, 'POST', path, { minutes: 25, note: 'Druckkopf gereinigt' });
    day = await newSession(browser, platform);
    page = day.page;
    await signIn(page, platform, TECHNICIAN);
    await page.goto(`/tickets/${id}`);
  });
  afterAll(async () => {
    await day?.context.close();
    await browser?.close();
    await platform?.stop();
  });

  it('says who entered it and for whom, in both portals', async () => {
    const told = 'Erfasst von Jonas Petersen, für Josef Hausner';
    await page.getByRole('article', { name: 'Beschreibung' }).getByText(told).waitFor();
    const session = await newSession(browser, platform);
    const { page: portal } = session;
    await signIn(portal, platform, CUSTOMER, '/portal');
    await portal.goto(`/portal/tickets/${id}`);
    await message(portal, text).getByText(told).waitFor();
    await portal.getByText('Von uns aufgenommen, für Josef Hausner').waitFor();
    // It stays so when somebody else becomes the contact; the history tells both by name.
    const lena = await platform.api(TECHNICIAN, 'GET', `/contacts?customer_id=${company}&search=Moser`);
    const changed = await platform.api(TECHNICIAN, 'PATCH', `/tickets/${id}`, {
      contact_id: lena.body.data[0].id,
    });
    expect(changed.status).toBe(200);
    await historyOf(page).click();
    await page.getByText('Ansprechpartner: Josef Hausner → Lena Moser').waitFor();
    await page.reload();
    await page.getByRole('article', { name: 'Beschreibung' }).getByText(told).waitFor();
    await portal.reload();
    await message(portal, text).getByText(told).waitFor();
    await portal.getByText('Von uns aufgenommen, für Josef Hausner').waitFor();
    // Who writes a ticket for oneself is named once.
    const own = await platform.api(CUSTOMER, 'POST', '/tickets', {
      title: 'Eigenes',
      description: 'Von mir.',
    });
    await portal.goto(`/portal/tickets/${own.body.data.id}`);
    await message(portal, 'Von mir.').getByText('Sie', { exact: true }).waitFor();
    await session.close();
  });

  it('corrects booked time: length, begin and text, and says who was faster', async () => {
    const entry = async () => (await platform.api(TECHNICIAN, 'GET', path)).body.data[0];
    const correct = () => page.getByRole('button', { name: /^Zeit korrigieren: 25 Min/ }).click();
    await correct();
    const dialog = page.getByRole('dialog', { name: 'Zeit korrigieren' });
    await dialog.getByLabel('Beginn').fill('2099-01-01T10:00');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Das liegt in der Zukunft.').waitFor();
    await expectNoAxeViolations(page);
    const begin = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3 * 3_600_000);
    const inBerlin = new Intl.DateTimeFormat('sv-SE', {
      ...{ timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'short' },
    });
    const field = inBerlin.format(begin).replace(' ', 'T');
    await dialog.getByLabel('Beginn').fill(field);
    await dialog.getByLabel('Dauer').fill('1:10');
    await dialog.getByLabel('Tätigkeit').fill('Druckkopf getauscht');
    await dialog.getByText('Abrechenbar').click();
    // While this is on its way the text is changed elsewhere: the newest state is told, the second try is made on it.
    const { id: booked } = await entry();
    await page.route(
      (url) => url.pathname.endsWith(booked),
      async (route) => {
        const elsewhere = await platform.api(TECHNICIAN, 'PATCH', `${path}/${booked}`, { note: 'anderswo' });
        expect(elsewhere.status).toBe(200);
        await route.continue();
      },
      { times: 1 },
    );
    day.allow(412, path);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText(/Jemand anders hat diese Zeit inzwischen geändert.*anderswo/).waitFor();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Druckkopf getauscht · nicht abrechenbar').waitFor();
    await page.getByText('Gesamt 1 Std. 10 Min.').waitFor();
    // Length, name and pencil stand in one line, however long they are.
    const pencil = page.getByRole('button', { name: /^Zeit korrigieren: 1 Std/ });
    const row = page.getByRole('listitem').filter({ has: pencil });
    const [length, at] = [await row.getByText('1 Std. 10 Min.').boundingBox(), await pencil.boundingBox()];
    expect(at!.y).toBeLessThan(length!.y + length!.height);
    expect(await entry()).toMatchObject({ minutes: 70, billable: false, started_at: begin.toISOString() });
    await page.getByRole('region', { name: 'Arbeitszeit' }).scrollIntoViewIfNeeded();
    await screenshot(page, 'technician-time');
  });

  it('deletes booked time when asked, and lets a manager correct that of a colleague', async () => {
    await platform.api(TECHNICIAN, 'POST', path, { minutes: 5, note: 'versehentlich' });
    await page.getByRole('button', { name: /^Zeit korrigieren: 5 Min/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Zeit korrigieren' });
    await expect.poll(() => dialog.getByLabel('Gearbeitet hat').count(), PATIENT).toBe(0);
    await dialog.getByRole('button', { name: 'Löschen' }).click();
    await page.getByText('5 Min. von Jonas Petersen werden gelöscht.').waitFor();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await page.getByText('versehentlich').waitFor({ state: 'detached' });

    const session = await newSession(browser, platform);
    await signIn(session.page, platform, ADMIN);
    await session.page.goto(`/tickets/${id}`);
    await session.page.getByRole('button', { name: /^Zeit korrigieren: 1 Std/ }).click();
    const other = session.page.getByRole('dialog', { name: 'Zeit korrigieren' });
    await other.getByLabel('Gearbeitet hat').selectOption({ label: 'Mira Yılmaz' });
    await other.getByRole('button', { name: 'Speichern' }).click();
    await session.page.getByRole('button', { name: /^Zeit korrigieren: 1 Std.*Mira Yılmaz/ }).waitFor();
    await session.page.getByText('eingetragen von Jonas Petersen').waitFor();
    await session.close();
    // The one who booked it no longer may: it is a colleague's now.
    await page.getByText('eingetragen von Jonas Petersen').waitFor();
    await expect.poll(() => page.getByRole('button', { name: /^Zeit korrigieren/ }).count(), PATIENT).toBe(0);
  });

  it('keeps a history of who entered, corrected and deleted', async () => {
    await historyOf(page).click();
    const history = page.locator('details').filter({ has: historyOf(page) });
    for (const done of [
      'hat das Ticket erfasst, für Josef Hausner',
      'hat Zeit gebucht',
      'hat eine Zeit korrigiert',
      'hat eine Zeit gelöscht',
      'Abrechenbar: ja → nein',
      'Gearbeitet hat: Jonas Petersen → Mira Yılmaz',
    ]) {
      await history.getByText(done).first().waitFor();
    }
    expect(day.problems).toEqual([]);
  });
});
