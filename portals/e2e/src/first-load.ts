import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

/** What a portal may cost until its first page is there; below it stays a margin for the next feature. */
const MOST_BYTES = 150_000;
const MARGIN_BYTES = 1_500;
/** Page, theme, icon, style sheet, three scripts, and one to spare. */
const MOST_FILES = 8;

interface Part {
  readonly path: string;
  /** Of the body, packed as it came over the line. */
  readonly bytes: number;
  readonly encoding: string | null;
}

/** How files come packed: browsers take brotli from an https address (and from their own machine) only, elsewhere gzip. */
type Packing = 'br' | 'gzip';

interface FirstLoad {
  /** Bytes of page, scripts, styles and fonts, packed as they came over the line; what the API told is not in it. */
  readonly bytes: number;
  /** The same with the headers of the answers. */
  readonly received: number;
  readonly parts: readonly Part[];
}

/** Opens a page with an empty cache, by `load`, and counts what the browser received of the portal itself. */
async function firstLoad(
  context: BrowserContext,
  packing: Packing,
  load: (page: Page) => Promise<unknown>,
): Promise<FirstLoad> {
  const page = await context.newPage();
  const line = await context.newCDPSession(page);
  await line.send('Network.enable');
  await line.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.setExtraHTTPHeaders({ 'accept-encoding': packing });
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

/** Scripts and styles that came otherwise packed than asked for, though they are long enough for packing. */
const unpacked = ({ parts }: FirstLoad, packing: Packing): string[] =>
  parts
    .filter(({ path, bytes, encoding }) => /\.(js|css)$/.test(path) && bytes >= 1_024 && encoding !== packing)
    .map(({ path, encoding }) => `${path}: ${encoding ?? 'not packed'}`);

/**
 * A first load within its bounds: packed by brotli with everything that travels, packed by gzip what the portal itself
 * is; in few files, since each costs 820 bytes of headers. `name` is for the figures that are printed.
 */
export async function expectLightLoad(
  context: BrowserContext,
  name: string,
  load: (page: Page) => Promise<unknown>,
): Promise<void> {
  const br = await firstLoad(context, 'br', load);
  const gzip = await firstLoad(context, 'gzip', load);
  console.log(
    `First load of ${name}: brotli ${br.bytes} B, with headers ${br.received} B; gzip ${gzip.bytes} B, with headers ${gzip.received} B; ${br.parts.length} files`,
  );
  expect(unpacked(br, 'br')).toEqual([]);
  expect(unpacked(gzip, 'gzip')).toEqual([]);
  // Something was counted.
  expect(br.bytes).toBeGreaterThan(20_000);
  const parts = JSON.stringify(br.parts);
  expect(br.received, parts).toBeLessThanOrEqual(MOST_BYTES - MARGIN_BYTES);
  expect(gzip.bytes, parts).toBeLessThanOrEqual(MOST_BYTES);
  expect(br.parts.length, parts).toBeLessThanOrEqual(MOST_FILES);
}
