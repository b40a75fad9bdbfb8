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
