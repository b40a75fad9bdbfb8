import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BrowserSession,
  expectNoAxeViolations,
  launchBrowser,
  navigation,
  newSession,
  PATIENT,
  signIn,
} from './browser.ts';
import { type Platform, startPlatform, TECHNICIAN } from './platform.ts';

const PATH = '/api/v1/';

describe('what the platform refuses for a while', () => {
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

  /** A browser whose live stream the test can speak on. */
  async function signedIn(language: 'de' | 'en' = 'de') {
    const session = await newSession(browser, platform, { language });
    const streams: WebSocketRoute[] = [];
    await session.page.routeWebSocket(/\/api\/v1\/stream/, (stream) => {
      stream.connectToServer();
      streams.push(stream);
    });
    await signIn(session.page, platform, TECHNICIAN);
    await session.page.getByRole('figure').first().waitFor();
    const tell = (aggregate: { type: string; id: string }) => {
      const message = JSON.stringify({ type: 'ticket.commented.v1', aggregate });
      for (const stream of streams) stream.send(message);
    };
    return { ...session, tell };
  }

  /** Answers every read with `status` until the function it gives is called; counts them. */
  async function refuse(session: BrowserSession, status: number, retryAfter?: number, path = PATH) {
    session.allow(status, path);
    const asked: string[] = [];
    // As the gateway says it (rate-limit.ts).
    const limit = {
      ...{ code: 'RATE_LIMIT_EXCEEDED', message: '' },
      details: [{ field: 'reading', message: '100 at once, 1000 an hour' }],
    };
    const handler: Parameters<Page['route']>[1] = async (route) => {
      asked.push(route.request().url());
      const headers = { 'content-type': 'application/json' };
      await route.fulfill({
        status,
        headers: retryAfter === undefined ? headers : { ...headers, 'retry-after': String(retryAfter) },
        body: JSON.stringify({ error: status === 429 ? limit : { code: 'X', message: '' } }),
      });
    };
    const matches = (url: URL) => url.pathname.startsWith(path);
    await session.page.route(matches, handler);
    return { asked, end: () => session.page.unroute(matches, handler) };
  }

  it('keeps what was shown, counts a limit down and goes on by itself', async () => {
    const session = await signedIn();
    const { page, tell } = session;
    const tile = page.getByRole('link', { name: /^\d+ Alle offenen/ });
    const before = await tile.textContent();
    const refusal = await refuse(session, 429, 4);
    tell({ type: 'ticket', id: '1' });
    const named =
      /\(Grenze für das Lesen von Seiten, je Person\)\. Angezeigt wird der letzte bekannte Stand\.Weiter in/;
    await page.getByRole('status').filter({ hasText: named }).waitFor();
    await page.getByText(/^Weiter in [1-4]\sSek/).waitFor();
    await expect.poll(() => tile.textContent(), PATIENT).toBe(before);
    await expectNoAxeViolations(page);

    // Another page has nothing to show yet: it says why, and the way back is there.
    await navigation(page, 'Kunden').click();
    await page.getByRole('heading', { level: 1, name: 'Kunden' }).waitFor();
    await page
      .getByRole('alert')
      .getByText(/In \d\sSek.* geht es weiter/)
      .first()
      .waitFor();
    await refusal.end();
    await page.getByRole('link', { name: 'Brauerei Hallertau GmbH', exact: true }).waitFor();
    await expect.poll(() => page.getByRole('alert').filter({ hasText: 'Zu viele' }).count(), PATIENT).toBe(0);
    await page.getByText(/^Weiter in/).waitFor({ state: 'detached' });
    // Once refused and once asked again each, not in a loop.
    const lists = refusal.asked.filter((url) => url.includes('/customers'));
    expect(lists.length).toBeLessThanOrEqual(2);
    await session.close();
  });

  it.each([
    // Longer than anything here takes: none of them goes on by itself in the middle of being looked at.
    ['a limit', 429, 60, 'de', /Zu viele Anfragen/],
    ['a limit, in English', 429, 60, 'en', /Too many requests/],
    ['a service that is away', 503, 60, 'de', /nicht erreichbar/],
    ['a gateway that waited in vain', 504, undefined, 'de', /antwortet nicht|nicht erreichbar/],
    ['an error of the server', 500, undefined, 'de', /Unerwarteter Fehler/],
  ] as const)(
    'shows an error page with a way on when the first page meets %s',
    async (_, status, wait, language, text) => {
      const session = await signedIn(language);
      const { page } = session;
      const refusal = await refuse(session, status, wait);
      await page.goto('/tickets', { waitUntil: 'commit' });
      await page.getByRole('alert').getByText(text).first().waitFor();
      await page.getByRole('navigation').getByRole('link').first().waitFor();
      await expectNoAxeViolations(page);
      await refusal.end();
      await page.getByRole('button', { name: /Erneut versuchen|Try again/ }).click();
      await page.getByRole('grid', { name: 'Tickets' }).waitFor();
      await session.close();
    },
  );

  it('says at the sign-in which limit was met, and counts it down', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(429, PATH);
    await page.goto('/login');
    await page.locator('input[name=email]').fill(TECHNICIAN);
    await page.locator('input[name=password]').fill('einerlei');
    await page.route(
      (url) => url.pathname.endsWith('/auth/login'),
      (route) =>
        route.fulfill({
          status: 429,
          headers: { 'content-type': 'application/json', 'retry-after': '3' },
          body: JSON.stringify({
            error: {
              ...{ code: 'RATE_LIMIT_EXCEEDED', message: '' },
              details: [{ field: 'anonymous', message: '100 a minute without signing in' }],
            },
          }),
        }),
    );
    await page.locator('button[type=submit]').click();
    const alert = page.getByRole('alert');
    await alert
      .getByText(/Grenze ohne Anmeldung, je Netzadresse\).*In [1-3]\sSek/)
      .first()
      .waitFor();
    await expectNoAxeViolations(page);
    await alert.getByText('Jetzt kann es weitergehen.').waitFor();
    await session.close();
  });

  it('shows a page without a network as what it is, and loads it when the line is back', async () => {
    const session = await signedIn();
    const { page } = session;
    await session.setOffline(true);
    await navigation(page, 'Kunden').click();
    await page.getByText('Keine Verbindung zum Server').first().waitFor();
    await navigation(page, 'Übersicht').waitFor();
    await session.setOffline(false);
    await page.getByRole('link', { name: 'Brauerei Hallertau GmbH', exact: true }).waitFor();
    await session.close();
  });

  it('shows the rest of a page when one part of it cannot be read', async () => {
    const session = await signedIn();
    const { page } = session;
    const refusal = await refuse(session, 500, undefined, '/api/v1/tickets/stats');
    await page.reload();
    await page.getByRole('alert').getByText('Unerwarteter Fehler').waitFor();
    await page.getByRole('region', { name: 'Als Nächstes fällig' }).getByRole('listitem').first().waitFor();
    await refusal.end();
    await page.getByRole('button', { name: 'Erneut versuchen' }).click();
    await page.getByRole('link', { name: /^\d+ Alle offenen/ }).waitFor();
    await session.close();
  });

  it('asks little in a storm of live events, nothing while nobody looks, and is up to date afterwards', async () => {
    const session = await signedIn();
    const { page, tell } = session;
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes(PATH)) asked.push(request.url());
    });
    /** An event with every second frame. */
    const storm = async (seconds: number) => {
      const end = Date.now() + seconds * 1000;
      for (let tick = 0; Date.now() < end; tick += 1) {
        tell({ type: 'ticket', id: String(tick % 7) });
        await page.evaluate(
          () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
        );
      }
    };
    await storm(8);
    // Two queries of the dashboard and the counts of the views, at most one round in two seconds: 15, and one that is under way.
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(18);

    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForLoadState('networkidle');
    asked.length = 0;
    await storm(4);
    expect(asked).toEqual([]);
    const made = await platform.api(TECHNICIAN, 'GET', '/tickets/stats');
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => asked.some((url) => url.includes('/stats')), PATIENT).toBe(true);
    const open = Object.values<number>(made.body.data.open_by_status).reduce((sum, n) => sum + n, 0);
    await page.getByRole('link', { name: `${open} Alle offenen`, exact: true }).waitFor();
    await session.close();
  });
});
