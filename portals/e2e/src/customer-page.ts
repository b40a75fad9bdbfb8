import * as http from 'node:http';
import * as https from 'node:https';
import type { BrowserContext, Locator, Page } from 'playwright-core';

/** Waits for the page's heading. */
export const heading = (page: Page) => page.getByRole('heading', { level: 1 }).waitFor();
/** The tickets of the list. */
export const ticketRows = (page: Page) => page.locator('a.ticket-row');
/** What was written in a ticket's conversation with `text` in it. */
export const message = (page: Page, text: string): Locator =>
  page.getByRole('article').filter({ hasText: text });

/** The accessible name of the field that has the focus. */
export const focused = (page: Page) =>
  page.evaluate(() => {
    const field = document.activeElement as HTMLInputElement | null;
    return field?.labels?.[0]?.textContent ?? '';
  });

/** Chooses files in the form that is shown. */
export function choose(
  page: Page,
  files: readonly { name: string; mimeType: string; buffer: Buffer }[],
): Promise<void> {
  return page.locator('input[type=file]').setInputFiles([...files]);
}

/** Uploads of this page run at `bytesPerSecond` until the line is detached. */
export async function slowUploads(context: BrowserContext, page: Page, bytesPerSecond: number) {
  const line = await context.newCDPSession(page);
  await line.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond,
  });
  return line;
}

/** Collects everything that the API tells the page from now on: answers and messages of the live stream. */
export function listen(page: Page): () => Promise<string[]> {
  const heard: Promise<string>[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/api/')) heard.push(response.text().catch(() => ''));
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => void heard.push(Promise.resolve(String(payload))));
  });
  return () => Promise.all(heard);
}

/** Addresses of the scripts that are fetched while `load` runs. */
export async function scriptsOf(page: Page, load: () => Promise<unknown>): Promise<string[]> {
  const found = new Set<string>();
  const note = (response: { url(): string }) => {
    if (new URL(response.url()).pathname.endsWith('.js')) found.add(response.url());
  };
  page.on('response', note);
  await load();
  await page.waitForLoadState('networkidle');
  page.off('response', note);
  return [...found];
}

/** How many bytes the server sends for `urls` to a browser that takes gzip. */
export async function packedBytes(urls: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    urls.map(
      (url) =>
        new Promise<number>((resolve, reject) => {
          (url.startsWith('https:') ? https : http)
            .get(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
              let bytes = 0;
              response.on('data', (chunk: Buffer) => {
                bytes += chunk.length;
              });
              response.on('end', () => resolve(bytes));
              response.on('error', reject);
            })
            .on('error', reject);
        }),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
