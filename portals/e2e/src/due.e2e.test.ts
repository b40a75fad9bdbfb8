import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSession, launchBrowser, newSession, PATIENT, screenshot, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform } from './platform.ts';

interface Clock {
  phase: string;
  share_used: number | null;
  due_at: string | null;
}
interface Row {
  id: string;
  ticket_number: number;
  sla: { shown: 'response' | 'resolution' | null; due_at: string | null; response: Clock; resolution: Clock };
}

const WORD = { response: 'Reaktion', resolution: 'Lösung' } as const;

describe('due times', () => {
  let platform: Platform;
  let browser: Browser;
  let session: BrowserSession;
  let page: Page;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
    session = await newSession(browser, platform, { height: 2000 });
    page = session.page;
    await signIn(page, platform, ADMIN);
  });
  afterAll(async () => {
    await session?.close();
    await browser?.close();
    await platform?.stop();
  });

  /** The rows of the list as they stand, with what the API says of each. */
  async function shownRows(
    query: string,
  ): Promise<{ text: string; overdue: boolean; bar: number | null; row: Row }[]> {
    await page.goto(`/tickets?${query}`);
    await page.getByRole('grid', { name: 'Tickets' }).locator('.sla').first().waitFor();
    const { body } = await platform.api(ADMIN, 'GET', `/tickets?${query}&limit=100&fields=ticket_number,sla`);
    const byNumber = new Map<number, Row>(body.data.map((row: Row) => [row.ticket_number, row]));
    const drawn = await page
      .getByRole('grid', { name: 'Tickets' })
      .getByRole('row')
      .evaluateAll((rows) =>
        rows.slice(1).map((row) => ({
          number: Number(row.querySelector('.num')?.textContent),
          text: row.querySelector('.sla .sla-text')?.textContent ?? '',
          overdue: row.querySelector('.sla-danger') !== null,
          bar: row.querySelector('.meter-fill')?.getAttribute('width') ?? null,
        })),
      );
    return drawn.map(({ number, text, overdue, bar }) => {
      const row = byNumber.get(number);
      if (!row) throw new Error(`The list shows ticket ${number}, which the API does not.`);
      return { text, overdue, bar: bar === null ? null : Number(bar), row };
    });
  }

  it.each(['status=open', 'status=open&assigned_to=none'])(
    'sort %s by what the column shows, overdue first, and say which clock it is',
    async (query) => {
      const rows = await shownRows(`${query}&sort=sla_due&order=asc`);
      expect(rows.length).toBeGreaterThan(3);
      const dues = rows.map(({ row }) =>
        row.sla.due_at ? Date.parse(row.sla.due_at) : Number.POSITIVE_INFINITY,
      );
      expect(dues).toEqual([...dues].sort((a, b) => a - b));
      const overdue = rows.map(({ overdue }) => overdue);
      expect(overdue).toEqual([...overdue].sort((a, b) => Number(b) - Number(a)));
      for (const { text, row } of rows) if (row.sla.shown) expect(text).toContain(WORD[row.sla.shown]);
      await screenshot(page, 'technician-due');
    },
  );

  it('fill their bars by the business time that is used, also over a weekend', async () => {
    const rows = await shownRows('status=open&sort=sla_due&order=asc');
    const bars = rows.filter(({ bar }) => bar !== null);
    expect(bars.length).toBeGreaterThan(3);
    for (const { bar, row } of bars) {
      const share = row.sla[row.sla.shown!].share_used ?? 0;
      // The two were asked for a moment apart.
      expect(Math.abs((bar ?? 0) - 100 * Math.min(1, share)), `ticket ${row.ticket_number}`).toBeLessThan(1);
    }
  });

  it('mean the same tickets by "at risk" in the list, on the dashboard and in the colour', async () => {
    await page.goto('/');
    const { body } = await platform.api(ADMIN, 'GET', '/tickets/stats');
    await page.getByRole('link', { name: `${body.data.sla_at_risk} SLA gefährdet`, exact: true }).waitFor();
    const all = await shownRows('status=open&sort=sla_due&order=asc');
    const risky = all.filter(({ row }) =>
      [row.sla.response, row.sla.resolution].some(({ phase }) => phase === 'at_risk'),
    );
    expect(risky.length).toBe(body.data.sla_at_risk);
    await page.goto('/tickets?status=open&sla=at_risk');
    const grid = page.getByRole('grid', { name: 'Tickets' });
    await expect
      .poll(async () => Number(await grid.getAttribute('aria-rowcount')) - 1, PATIENT)
      .toBe(body.data.sla_at_risk);
  });
});
