import { PAGES as CUSTOMERS } from '@psa/customer/pages';
import { PAGES as TECHNICIANS } from '@psa/technician/pages';
import type { Page, Request } from 'playwright-core';
import { expect } from 'vitest';
import { PATIENT } from './browser.ts';

export { CUSTOMERS, TECHNICIANS };

type Listed = (typeof CUSTOMERS)[number] | (typeof TECHNICIANS)[number];

/** Shown without a session. */
export const isOpen = ({ access }: Listed) => access === 'guest' || access === 'public';
export const needsSession = (page: Listed) => !isOpen(page);

/** Every address at which the pages show another state, `:ticket` and `:customer` filled in. */
export function addressesOf(
  pages: readonly Listed[],
  wanted: (page: Listed) => boolean,
  ids: Readonly<Record<string, string>>,
): string[] {
  return pages.filter(wanted).flatMap(({ path, samples = [path] }) =>
    samples.map((sample) =>
      sample.replace(/:(\w+)/g, (_, name: string) => {
        const id = ids[name];
        if (id === undefined) throw new Error(`Unable to walk ${sample}: say what :${name} is.`);
        return id;
      }),
    ),
  );
}

/** Follows what the page asks the API from now on; the function it gives waits until all of it is answered and drawn. */
function answers(page: Page): () => Promise<void> {
  const waiting = new Set<Request>();
  const asked = (request: Request) => void (request.url().includes('/api/') && waiting.add(request));
  const told = (request: Request) => void waiting.delete(request);
  page.on('request', asked);
  page.on('requestfinished', told);
  page.on('requestfailed', told);
  return async () => {
    await expect.poll(() => waiting.size, PATIENT).toBe(0);
    page.off('request', asked);
    page.off('requestfinished', told);
    page.off('requestfailed', told);
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
  };
}

/** Opens a page and waits until all of it is there: its heading, nothing waiting, every answer drawn. */
export async function openWhole(page: Page, path: string): Promise<void> {
  const answered = answers(page);
  await page.goto(path);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"], .skeleton') === null);
  await answered();
}
