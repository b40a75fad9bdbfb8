import type { BrowserContext, Page } from 'playwright-core';

/** What a portal may cost until its first page is there; below it stays a margin for the next feature. */
export const MOST_BYTES = 150_000;
export const MARGIN_BYTES = 1_500;

interface Part {
  readonly path: string;
  /** Of the body, packed as it came over the line. */
  readonly bytes: number;
  readonly encoding: string | null;
}

export interface FirstLoad {
  /** Bytes of page, scripts, styles and fonts, packed as they came over the line; what the API told is not in it. */
  readonly bytes: number;
  /** The same with the headers of the answers. */
  readonly received: number;
  readonly parts: readonly Part[];
}

/** Opens a page with an empty cache, by `load`, and counts what the browser received of the portal itself. */
export async function firstLoad(
  context: BrowserContext,
  load: (page: Page) => Promise<unknown>,
): Promise<FirstLoad> {
  const page = await context.newPage();
  const line = await context.newCDPSession(page);
  await line.send('Network.enable');
  await line.send('Network.setCacheDisabled', { cacheDisabled: true });
  const seen = new Map<string, Part>();
  const parts: Part[] = [];
  let received = 0;
  line.on('Network.responseReceived', ({ requestId, response }) => {
    const { pathname } = new URL(response.url);
    if (pathname.startsWith('/api/')) return;
    const header = (name: string) =>
      Object.entries(response.headers).find(([one]) => one.toLowerCase() === name)?.[1] ?? null;
    seen.set(requestId, {
      path: pathname,
      bytes: Number(header('content-length')),
      encoding: header('content-encoding'),
    });
  });
  line.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const part = seen.get(requestId);
    if (!part) return;
    parts.push(part);
    received += encodedDataLength;
  });
  await load(page);
  await page.waitForLoadState('networkidle');
  await page.close();
  return { bytes: parts.reduce((sum, part) => sum + part.bytes, 0), received, parts };
}

/** Scripts and styles that came unpacked though they are long enough for packing. */
export const unpacked = ({ parts }: FirstLoad): string[] =>
  parts
    .filter(({ path, bytes, encoding }) => /\.(js|css)$/.test(path) && bytes >= 1_024 && encoding !== 'br')
    .map(({ path, encoding }) => `${path}: ${encoding ?? 'not packed'}`);
