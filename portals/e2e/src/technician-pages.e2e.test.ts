import { gzipSync } from 'node:zlib';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, setTheme, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

/** Bytes of gzipped JavaScript that a portal may load until its first page is there. */
const FIRST_LOAD_LIMIT = 200_000;

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
    await checkPages(session.page, [
      '/login',
      '/forgot-password',
      '/reset-password?token=x',
      '/setup?token=x',
    ]);
    await session.close();
  });

  it('has no accessibility violation for a technician, light or dark', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    session.allow(401, '/api/v1/auth/');
    const found = await platform.api(TECHNICIAN, 'GET', '/tickets?limit=1&status=in_progress');
    const { id: ticketId, customer_id: customerId } = found.body.data[0];
    await signIn(page, platform, TECHNICIAN);
    const pages = [
      '/',
      '/tickets',
      `/tickets/${ticketId}`,
      '/tickets/new',
      '/tickets?search=zzzzzzzzzz',
      '/customers',
      `/customers/${customerId}`,
      '/search?q=Drucker',
      '/settings/account',
      '/nowhere',
    ];
    await checkPages(page, pages);
    await session.close();
  });

  it('has no accessibility violation on the pages of an administrator', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    await signIn(session.page, platform, ADMIN);
    await session.page.goto('/settings');
    const nav = session.page.getByRole('navigation', { name: 'Bereiche der Einstellungen' });
    await nav.waitFor();
    const sections = await nav
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') as string));
    expect(sections.length).toBeGreaterThan(3);
    await checkPages(session.page, [...sections, '/customers/import', '/customers?new=1']);
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
    await dialog.getByLabel('Feiertage').fill('2026-12-26 Zweiter Weihnachtstag\nirgendwann');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByText('Diese Zeitzone ist nicht bekannt.').waitFor();
    await dialog.getByText('Bitte Zeiten wie 08:00–17:00 angeben').waitFor();
    await dialog.getByText('Diese Zeile lässt sich nicht lesen: irgendwann').waitFor();
    await expectNoAxeViolations(page);
    await dialog.getByLabel('Zeitzone').fill('Europe/Vienna');
    await dialog.getByLabel('Montag').fill('');
    await dialog.getByLabel('Feiertage').fill('2026-12-26 Zweiter Weihnachtstag');
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
    await dialog.getByLabel('Hoch: Reaktion in Minuten').fill('30');
    await dialog.getByLabel('Hoch: Lösung in Minuten').fill('240');
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
    await dialog.getByText('Wird von einer SLA-Regel benutzt').waitFor();
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

  it('loads less than 200 kB of JavaScript until the login and until the dashboard', async () => {
    const session = await newSession(browser, platform);
    session.allow(401, '/api/v1/auth/');
    const scripts: Promise<number>[] = [];
    session.page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(gzippedSize(response));
    });
    const loaded = async () => (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0);
    await session.page.goto('/login', { waitUntil: 'networkidle' });
    const untilLogin = await loaded();
    expect(untilLogin).toBeGreaterThan(20_000);
    expect(untilLogin).toBeLessThan(FIRST_LOAD_LIMIT);
    await signIn(session.page, platform, TECHNICIAN);

    // The dashboard as the first page of the day: a session that is there already, an empty cache.
    const again = await session.context.newPage();
    const cache = await session.context.newCDPSession(again);
    await cache.send('Network.enable');
    await cache.send('Network.setCacheDisabled', { cacheDisabled: true });
    const atDashboard: Promise<number>[] = [];
    again.on('response', (response) => {
      if (response.request().resourceType() === 'script') atDashboard.push(gzippedSize(response));
    });
    await again.goto('/', { waitUntil: 'networkidle' });
    await again.getByRole('figure').first().waitFor();
    const untilDashboard = (await Promise.all(atDashboard)).reduce((sum, size) => sum + size, 0);
    console.log(`JavaScript, gzipped: login ${untilLogin} B, dashboard ${untilDashboard} B`);
    expect(untilDashboard).toBeGreaterThan(20_000);
    expect(untilDashboard).toBeLessThan(FIRST_LOAD_LIMIT);
    await session.close();
  });
});

async function gzippedSize(response: Response): Promise<number> {
  return gzipSync(await response.body(), { level: 9 }).length;
}

async function checkPages(page: Page, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(path, { waitUntil: 'networkidle' });
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page.waitForFunction(() => document.querySelector('main [aria-busy="true"], .skeleton') === null);
    for (const colorScheme of ['light', 'dark'] as const) {
      await setTheme(page, colorScheme);
      await expectNoAxeViolations(page);
    }
  }
  await setTheme(page, 'light');
}
