// `node portals/e2e/src/measure-ticket.ts`: how long a ticket of 500 messages takes from the press in the list until its
// newest message is drawn in sight. Needs a running platform: PSA_URL and PSA_DEMO_PASSWORD, as the browser tests take them.
import type { Page } from 'playwright-core';
import { launchBrowser } from './launch.ts';

const { PSA_URL, PSA_DEMO_PASSWORD } = process.env;
const MESSAGES = 500;
const ROUNDS = 15;

async function call(token: string | null, method: string, path: string, body?: unknown) {
  const response = await fetch(`${PSA_URL}/api/v1${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()).data;
}

/** Presses the ticket in the list; milliseconds until the newest message is in sight and drawn. */
const opened = (page: Page, newest: string): Promise<number> =>
  page.evaluate(async (text) => {
    const row = document.querySelector<HTMLElement>('[role=grid] [role=row][aria-rowindex="2"] a');
    if (!row) throw new Error('The list is empty.');
    const began = performance.now();
    row.click();
    for (;;) {
      await new Promise((done) => requestAnimationFrame(done));
      const frame = document.querySelector('.thread-scroll, main')?.getBoundingClientRect();
      const last = [...document.querySelectorAll('.thread > li')].at(-1);
      const box = last?.textContent?.includes(text) ? last.getBoundingClientRect() : undefined;
      if (frame && box && box.bottom <= frame.bottom + 1 && box.top >= frame.top) break;
      if (performance.now() - began > 20_000) throw new Error('The newest message does not come into sight.');
    }
    return performance.now() - began;
  }, newest);

if (!PSA_URL || !PSA_DEMO_PASSWORD) throw new Error('Say which platform: PSA_URL and PSA_DEMO_PASSWORD.');
const signedIn = { email: 'technician@demo.example', password: PSA_DEMO_PASSWORD };
const { access_token: token } = await call(null, 'POST', '/auth/login', signedIn);
const [customer] = await call(token, 'GET', '/customers?limit=1');
const mark = `Messung ${Date.now().toString(36)}`;
const ticket = await call(token, 'POST', '/tickets', {
  title: mark,
  description: 'Wie alles anfing.',
  customer_id: customer.id,
});
for (let i = 1; i <= MESSAGES; i += 1) {
  const body = `Nachricht ${i}. ${'Der Treiber ist neu installiert, bitte noch einmal versuchen. '.repeat(1 + (i % 4))}`;
  await call(token, 'POST', `/tickets/${ticket.id}/comments`, { body });
}
const browser = await launchBrowser();
const context = await browser.newContext({ baseURL: PSA_URL, viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
await page.goto('/login');
await page.locator('input[name=email]').fill(signedIn.email);
await page.locator('input[name=password]').fill(signedIn.password);
await page.locator('button[type=submit]').click();
await page.waitForURL((url) => !url.pathname.endsWith('/login'));
const times: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  // Loaded anew: nothing of the ticket is known to the page.
  await page.goto('/tickets?sort=created_at&order=desc');
  await page.getByRole('grid').getByText(mark).waitFor();
  await page.waitForLoadState('networkidle');
  times.push(await opened(page, `Nachricht ${MESSAGES}.`));
}
await browser.close();
const sorted = times.toSorted((a, b) => a - b);
const ms = (value: number | undefined) => `${Math.round(value ?? Number.NaN)} ms`;
console.log(
  `A ticket of ${MESSAGES} messages, from the press to its newest message in sight: median ${ms(sorted[ROUNDS >> 1])}, best ${ms(sorted[0])}, worst ${ms(sorted.at(-1))} of ${ROUNDS}`,
);
