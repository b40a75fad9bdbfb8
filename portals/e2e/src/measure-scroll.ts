/**
 * How the ticket list of 100,000 scrolls: `node portals/e2e/src/measure-scroll.ts`. Chromium's own trace says which
 * frames it drew and which it dropped; the time that the page's main thread worked for each frame (its own processor time,
 * not the clock's) says whether 60 a second would fit on a machine that has nothing else to do.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_PASSWORD, type PlatformProcess, startPlatformIn } from '@psa/test-kit/platform';
import type { CDPSession, Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { TECHNICIAN } from './platform.ts';

const TICKETS = 100_000;
/** Pixels a second: reading along, looking for something, flying through. */
const SPEEDS = [800, 4_000, 20_000];
const SECONDS = 6;
const FRAME_MS = 1000 / 60;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: Record<string, unknown>;
}

async function fill({ sql }: PlatformProcess): Promise<void> {
  await sql`
    insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, tags, source,
      customer_id, created_at, updated_at)
    select c.tenant_id, gen_random_uuid(), 1000000 + n, 'Drucker in Raum ' || n || ' druckt nur noch die Hälfte', 'x',
      (array['new', 'assigned', 'in_progress', 'waiting_customer'])[1 + n % 4], (array['low', 'medium', 'high', 'critical'])[1 + n % 4],
      case when n % 3 = 0 then array['drucker', 'netz'] else '{}' end, 'import', c.customer_id,
      now() - n * interval '1 minute', now()
    from generate_series(1, ${TICKETS}) as n
      join (select tenant_id, customer_id, row_number() over () as nr, count(*) over () as all from tickets.customers
        where tenant_id = (select tenant_id from tickets.tickets limit 1)) as c on c.nr = 1 + n % c.all`;
  await sql`analyze tickets.tickets`;
}

/** The trace of what `work` does. */
async function traced(cdp: CDPSession, work: () => Promise<void>): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: object[] }) => void events.push(...(value as TraceEvent[]));
  cdp.on('Tracing.dataCollected', collect);
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: [
        'toplevel',
        'devtools.timeline',
        'disabled-by-default-devtools.timeline',
        'disabled-by-default-devtools.timeline.frame',
      ],
    },
  });
  await work();
  const done = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
  await cdp.send('Tracing.end');
  await done;
  cdp.off('Tracing.dataCollected', collect);
  return events;
}

/** Frames of the trace, and the processor time of the page's main thread between one and the next, in ms. */
function frames(events: readonly TraceEvent[]) {
  const named = (name: string) => events.filter((event) => event.name === name);
  const main = named('thread_name').find((event) => event.args?.name === 'CrRendererMain');
  const drawn = named('DrawFrame').length;
  const dropped = named('DroppedFrame').length;
  const begun = named('BeginMainThreadFrame')
    .map((event) => event.ts)
    .sort((a, b) => a - b);
  const tasks = events.filter(
    (event) => event.name.endsWith('RunTask') && event.pid === main?.pid && event.tid === main.tid,
  );
  const work = begun.map((from, i) => {
    const until = begun[i + 1] ?? from + FRAME_MS * 1000;
    const within = tasks.filter((task) => task.ts >= from - 2_000 && task.ts < until - 2_000);
    return within.reduce((sum, task) => sum + (task.tdur ?? task.dur ?? 0), 0) / 1000;
  });
  return { drawn, dropped, work: work.sort((a, b) => a - b) };
}

const share = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;

async function measure(page: Page): Promise<void> {
  const grid = page.getByRole('grid', { name: 'Tickets' });
  const box = await grid.boundingBox();
  if (!box) throw new Error('The list is not shown.');
  const cdp = await page.context().newCDPSession(page);
  for (const speed of SPEEDS) {
    const events = await traced(cdp, async () => {
      await cdp.send('Input.synthesizeScrollGesture', {
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        yDistance: -speed * SECONDS,
        speed,
        gestureSourceType: 'mouse',
        preventFling: true,
      });
    });
    const { drawn, dropped, work } = frames(events);
    const late = work.filter((ms) => ms > FRAME_MS).length;
    console.log(
      `${speed} px/s for ${SECONDS} s: ${drawn} frames drawn, ${dropped} dropped; the page's own work for a frame: ` +
        `median ${share(work, 0.5).toFixed(1)} ms, p95 ${share(work, 0.95).toFixed(1)} ms, most ` +
        `${share(work, 1).toFixed(1)} ms, over 16.7 ms in ${late} of ${work.length}`,
    );
  }
  await cdp.detach();
}

const folder = await mkdtemp(join(tmpdir(), 'psa-scroll-'));
const platform = await startPlatformIn('demo', folder);
const browser = await launchBrowser();
try {
  await fill(platform);
  const context = await browser.newContext({
    baseURL: platform.url,
    locale: 'de-DE',
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await page.goto('/login');
  await page.locator('input[name=email]').fill(TECHNICIAN);
  await page.locator('input[name=password]').fill(DEMO_PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => !url.pathname.endsWith('/login'));
  await page.goto('/tickets?sort=ticket_number&order=desc');
  await page.getByRole('grid', { name: 'Tickets' }).getByRole('link').first().waitFor();
  console.log(`${await page.getByRole('grid', { name: 'Tickets' }).getAttribute('aria-rowcount')} rows`);
  await measure(page);
} finally {
  await browser.close();
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
}
