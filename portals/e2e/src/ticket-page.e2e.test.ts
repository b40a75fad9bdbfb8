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
import { CUSTOMER, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

/** More than fit on a few screens, and more than one page of the API. */
const MESSAGES = 130;

describe('the page of a ticket', () => {
  let platform: Platform;
  let browser: Browser;
  let session: BrowserSession;
  let page: Page;
  let long: string;
  let customerId: string;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    customerId = (await platform.api(CUSTOMER, 'GET', '/auth/me')).body.data.customer_id;
    long = await open('Langes Ticket', 'Wie alles anfing.');
    for (let i = 1; i <= MESSAGES; i += 1) {
      const { status } = await platform.api(TECHNICIAN, 'POST', `/tickets/${long}/comments`, {
        body: `Nachricht ${i}`,
        visibility: i % 10 === 0 ? 'internal' : 'public',
      });
      expect(status).toBe(201);
    }
    session = await newSession(browser, platform);
    page = session.page;
    await signIn(page, platform, TECHNICIAN);
  });
  afterAll(async () => {
    await session?.close();
    await browser?.close();
    await platform?.stop();
  });

  async function open(title: string, description: string, more: object = {}): Promise<string> {
    const { body } = await platform.api(TECHNICIAN, 'POST', '/tickets', {
      title,
      description,
      customer_id: customerId,
      ...more,
    });
    return body.data.id;
  }
  const message = (i: number) => page.getByText(`Nachricht ${i}`, { exact: true });
  const isInSight = (i: number) =>
    message(i).evaluate((element) => {
      const box = element.getBoundingClientRect();
      const frame = element.closest('.thread-scroll')?.getBoundingClientRect();
      return frame !== undefined && box.top >= frame.top && box.bottom <= frame.bottom;
    });

  it('opens at the newest message, asks for no more than it shows, and has the composer in sight', async () => {
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes(`/${long}/comments`)) asked.push(request.url());
    });
    await page.goto(`/tickets/${long}`);
    await message(MESSAGES).waitFor();
    await expect.poll(() => isInSight(MESSAGES), PATIENT).toBe(true);
    expect(asked).toHaveLength(1);
    expect(await page.locator('.thread > li').count()).toBeLessThanOrEqual(50);
    const composer = await page.getByRole('form', { name: 'Antwort' }).boundingBox();
    expect((composer?.y ?? 0) + (composer?.height ?? Number.NaN)).toBeLessThanOrEqual(900);
    await expectNoAxeViolations(page);
  });

  it('brings older messages as one scrolls up, down to how it began, and moves nothing that is read', async () => {
    const first = MESSAGES - 49;
    await message(first).scrollIntoViewIfNeeded();
    await message(first - 1).waitFor();
    // The one that was in sight is where it was, though fifty came above it.
    expect(await isInSight(first)).toBe(true);
    const place = () => message(first).evaluate((element) => Math.round(element.getBoundingClientRect().top));
    const was = await place();
    const said = await platform.api(CUSTOMER, 'POST', `/tickets/${long}/comments`, {
      body: 'Und noch etwas',
    });
    expect(said.status).toBe(201);
    await page.locator('.thread').getByText('Und noch etwas').waitFor();
    expect(await place()).toBe(was);
    for (const before of [first - 50, 1]) {
      await page.locator('.thread > li').first().scrollIntoViewIfNeeded();
      await message(Math.max(1, before)).waitFor();
    }
    await page.getByText('Wie alles anfing.').scrollIntoViewIfNeeded();
    await expect.poll(() => page.locator('.thread > li').count(), PATIENT).toBe(MESSAGES + 1);
  });

  it('is at the end again after a reply', async () => {
    await page.getByLabel('Nachricht an den Kunden').fill('Nachricht zuletzt');
    await page.keyboard.press('Control+Enter');
    const last = page.locator('.thread').getByText('Nachricht zuletzt');
    await last.waitFor();
    await expect
      .poll(
        () =>
          last.evaluate((element) => {
            const frame = element.closest('.thread-scroll')?.getBoundingClientRect();
            return element.getBoundingClientRect().bottom <= (frame?.bottom ?? 0);
          }),
        PATIENT,
      )
      .toBe(true);
  });

  it('says when by the clock, and how long ago when one asks', async () => {
    const time = page.locator('.thread time').last();
    await expect.poll(() => time.textContent(), PATIENT).toMatch(/^\d{2}:\d{2}$/);
    expect(await time.getAttribute('title')).toMatch(/gerade eben|vor/);
  });

  it('has the caller on top of the rail, to be called, with what else is open there', async () => {
    const contacts = await platform.api(TECHNICIAN, 'GET', `/contacts?customer_id=${customerId}&limit=100`);
    const anna = contacts.body.data.find((one: { phone: string | null }) => one.phone !== null);
    const id = await open('Rückruf erbeten', 'x', { contact_id: anna.id });
    await page.goto(`/tickets/${id}`);
    const rail = page.getByRole('region', { name: 'Details' });
    await expect
      .poll(() => rail.getByRole('heading', { level: 2 }).first().textContent(), PATIENT)
      .toBe('Ansprechpartner');
    const caller = page.getByRole('region', { name: 'Ansprechpartner' });
    await caller.getByText(anna.name).waitFor();
    const call = caller.getByRole('link', { name: anna.phone });
    expect(await call.getAttribute('href')).toBe(`tel:${anna.phone.replace(/[^+\d]/g, '')}`);
    await caller.getByText(/Andere offene Tickets \(\d+\)/).waitFor();
    expect(await caller.getByRole('link', { name: /Rückruf erbeten/ }).count()).toBe(0);
    const order = await rail.getByRole('heading', { level: 2 }).allTextContents();
    expect(order.slice(0, 4)).toEqual(['Ansprechpartner', 'SLA', 'Arbeitszeit', 'Eigenschaften']);
    // The rail scrolls by itself: the head of the ticket stays.
    const head = await page.getByRole('heading', { level: 1 }).boundingBox();
    await page.getByText('Historie').scrollIntoViewIfNeeded();
    expect(await page.getByRole('heading', { level: 1 }).boundingBox()).toEqual(head);
  });

  it('is printed without the composer, and with internal notes only when they are asked for', async () => {
    await page.goto(`/tickets/${long}`);
    await message(MESSAGES).waitFor();
    await page.evaluate(() => {
      const prints: { notes: number; messages: number }[] = [];
      Object.assign(window, { prints });
      window.print = () => {
        // What the style sheet of the paper leaves.
        prints.push({
          notes: 'printNotes' in document.documentElement.dataset ? 1 : 0,
          messages: document.querySelectorAll('.thread > li').length,
        });
      };
    });
    const print = async (notes: boolean) => {
      await page.getByRole('button', { name: 'Drucken' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Ticket drucken' });
      if (notes) await dialog.getByText('Interne Notizen mitdrucken').click();
      await dialog.getByRole('button', { name: 'Drucken' }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await print(false);
    await print(true);
    await expect
      .poll(() => page.evaluate(() => (window as unknown as { prints: unknown }).prints), PATIENT)
      .toEqual([
        { notes: 0, messages: MESSAGES + 2 },
        { notes: 1, messages: MESSAGES + 2 },
      ]);
    await page.emulateMedia({ media: 'print' });
    const note = page.getByRole('article', { name: /Interne Notiz/ }).first();
    expect(await page.getByText('Nachricht 130', { exact: true }).isVisible()).toBe(false);
    expect(await page.getByText('Nachricht 1', { exact: true }).isVisible()).toBe(true);
    expect(await page.locator('.composer').isVisible()).toBe(false);
    expect(await page.getByRole('button').count()).toBe(0);
    await page.evaluate(() => (document.documentElement.dataset.printNotes = ''));
    expect(await note.isVisible()).toBe(true);
    await page.evaluate(() => delete document.documentElement.dataset.printNotes);
    await page.emulateMedia({ media: 'screen' });
  });

  it.each(['00000000-0000-7000-8000-000000000000', 'nirgends'])(
    'leads back to the list where there is no ticket: %s',
    async (address) => {
      session.allow(404, address);
      await page.goto(`/tickets/${address}`);
      await page.getByRole('heading', { level: 1, name: 'Dieses Ticket gibt es nicht' }).waitFor();
      await expectNoAxeViolations(page);
      await page.getByRole('link', { name: 'Zur Ticketliste' }).click();
      await page.getByRole('grid', { name: 'Tickets' }).waitFor();
    },
  );

  it('on a phone has status, reply and time at hand, and the rail behind a press', async () => {
    const phone = await newSession(browser, platform, { width: 390, height: 844 });
    await signIn(phone.page, platform, TECHNICIAN);
    const id = await open('Vom Telefon aus', 'x', { priority: 'low' });
    await phone.page.goto(`/tickets/${id}`);
    const bar = phone.page.getByRole('navigation', { name: 'Aktionen' });
    await bar.waitFor();
    // Which ticket, its title, whose it is and what to do with it: three rows.
    const head = await phone.page.locator('.ticket-head').boundingBox();
    expect(head?.height).toBeLessThan(136);
    await phone.page.locator('.ticket-head').getByRole('button', { name: 'Lösen' }).waitFor();
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(phone.page, theme);
      await expectNoAxeViolations(phone.page);
    }
    await bar.getByRole('button', { name: 'Antworten' }).click();
    await phone.page.keyboard.type('Bin unterwegs.');
    await expectNoAxeViolations(phone.page);
    await phone.page.getByRole('button', { name: 'Antwort senden' }).click();
    await phone.page.getByRole('article').getByText('Bin unterwegs.').waitFor();
    await bar.waitFor();
    await bar.getByRole('button', { name: 'Zeit' }).click();
    await phone.page.getByRole('dialog', { name: 'Zeit eintragen' }).waitFor();
    await phone.page.keyboard.press('Escape');
    await bar.getByRole('button', { name: 'Status' }).click();
    await phone.page.getByRole('option', { name: 'Gelöst' }).click();
    await expect
      .poll(async () => (await platform.api(TECHNICIAN, 'GET', `/tickets/${id}`)).body.data.status, PATIENT)
      .toBe('resolved');
    await phone.page.getByRole('button', { name: 'Details' }).click();
    await phone.page.getByRole('region', { name: 'Ansprechpartner' }).waitFor();
    await expectNoAxeViolations(phone.page);
    await phone.page.getByRole('button', { name: 'Details schließen' }).click();
    await bar.waitFor();
    await phone.close();
  });
});
