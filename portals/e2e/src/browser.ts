import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Platform } from './platform.ts';

export { launchBrowser } from './launch.ts';

const SCREENSHOTS = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));
const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];

/** How long an action or a state may take: a busy machine is slow, a state that never comes fails all the same. */
export const PATIENT = { timeout: 45_000 };

export type Language = 'de' | 'en';
export type Theme = 'light' | 'dark';

export interface SessionOptions {
  readonly language?: Language;
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
}

/** A fresh browser profile: own cookies, own storage. */
export interface BrowserSession {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Console errors, uncaught exceptions, refusals of the content security policy and failed responses so far. */
  readonly problems: readonly string[];
  /** Names an answer that the test provokes, e.g. `allow(401, '/auth/login')`; it is no problem from here on. */
  allow(status: number, path: string): void;
  /** Cuts the line or mends it. That requests fail for want of a line is no problem. */
  setOffline(offline: boolean): Promise<void>;
  /** Closes the profile. @throws when the page had a problem, so that no test passes over a broken page */
  close(): Promise<void>;
}

/** Opens a fresh profile on the platform; `page.goto('/tickets')` is relative to it. */
export async function newSession(
  browser: Browser,
  platform: Platform,
  options: SessionOptions = {},
): Promise<BrowserSession> {
  const context = await browser.newContext({
    baseURL: platform.url,
    // A cluster may have a certificate of its own authority, which Chromium does not know.
    ignoreHTTPSErrors: platform.url.startsWith('https:'),
    locale: options.language === 'en' ? 'en-GB' : 'de-DE',
    timezoneId: 'Europe/Berlin',
    colorScheme: options.theme ?? 'light',
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  context.setDefaultTimeout(PATIENT.timeout);
  const problems: string[] = [];
  const allowed: { status: number; path: string }[] = [];
  let wasOffline = false;
  const isAllowed = (status: number, url: string) =>
    allowed.some((one) => one.status === status && url.includes(one.path));

  context.on('weberror', (error) => problems.push(`exception: ${error.error().stack ?? error.error()}`));
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    const url = message.location().url;
    const status = Number(/responded with a status of (\d+)/.exec(message.text())?.[1] ?? 0);
    if (status > 0 && isAllowed(status, url)) return;
    if (wasOffline && /ERR_INTERNET_DISCONNECTED|WebSocket connection/.test(message.text())) return;
    problems.push(`console: ${message.text()} (${url})`);
  });
  context.on('response', (response) => {
    if (response.status() < 400 || isAllowed(response.status(), response.url())) return;
    problems.push(`response: ${response.status()} ${response.request().method()} ${response.url()}`);
  });
  const page = await context.newPage();
  return {
    context,
    page,
    problems,
    allow: (status, path) => void allowed.push({ status, path }),
    async setOffline(value) {
      // What failed offline may be reported after the line is back.
      if (value) wasOffline = true;
      await context.setOffline(value);
    },
    async close() {
      await context.close();
      expect(problems, 'problems in the browser').toEqual([]);
    },
  };
}

/** Fills in the sign-in form (opened first where another page is shown) and waits until a page behind it is shown. */
export async function signIn(page: Page, platform: Platform, email: string, base = ''): Promise<void> {
  if (!new URL(page.url(), platform.url).pathname.endsWith('/login')) await page.goto(`${base}/login`);
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(platform.password);
  await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => !url.pathname.endsWith('/login'));
  await page.locator('main h1').first().waitFor();
}

/** An entry of the navigation. By its whole name and in its place: a ticket in a list may be called "Kundenkarte". */
export const navigation = (page: Page, name: string): Locator =>
  page.getByRole('navigation').getByRole('link', { name, exact: true });

/** What opens and closes a ticket's history. */
export const historyOf = (page: Page): Locator =>
  page.locator('summary').filter({ hasText: /^\s*Historie\s*$/ });

/** Shows the page in a theme, once its colours have changed: on their way they are those of neither. */
export async function setTheme(page: Page, colorScheme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    // What inherits a colour begins to change when its parent has changed.
    for (let changing: Animation[] | null = null; changing === null || changing.length > 0; ) {
      await frame();
      await frame();
      changing = document.getAnimations().filter((one) => one instanceof CSSTransition);
      await Promise.all(changing.map((one) => one.finished.catch(() => null)));
    }
  });
}

/** No finding of axe for WCAG 2.2 A and AA on what is shown now, leaving out the rules that `except` names. */
export async function expectNoAxeViolations(page: Page, except: readonly string[] = []): Promise<void> {
  // Without frames of foreign origin there is no need to put the answer together in a page of its own ("legacy"),
  // nor to describe each element that is as it should be: together three quarters of the time.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .options({ resultTypes: ['violations'] })
    .withTags(RULES)
    .disableRules([...except])
    .analyze();
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      (node) => `${id}: ${help}\n  ${node.target.join(' ')}\n  ${node.html}\n  ${node.failureSummary}`,
    ),
  );
  expect(found, `axe on ${page.url()}`).toEqual([]);
}

/** Writes `docs/screenshots/<name>.png` when `PSA_SCREENSHOTS=1`; else does nothing. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env.PSA_SCREENSHOTS !== '1') return;
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
