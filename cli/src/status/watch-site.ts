import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../command.ts';
import { withSite } from '../site/site.ts';
import { siteStatus } from './site-status.ts';
import { renderSiteStatus, type SiteStatus } from './site-status-text.ts';

const PAUSE_MS = 2_000;

/** The appliance as it is; with `watch` again and again until Ctrl-C, with `wait` until it is healthy. */
export function watchSite(
  context: Context<object>,
  options: { readonly watch?: boolean; readonly wait?: number },
): Promise<SiteStatus> {
  const { io, signal, progress } = context;
  return withSite(context, async (site) => {
    const deadline = Date.now() + (options.wait ?? 0) * 1000;
    for (let told = ''; ; ) {
      const status = await siteStatus(site, io, signal, progress);
      // What was cut short by Ctrl-C looks like a failure of the site, and is none.
      signal.throwIfAborted();
      if (!options.watch && (status.healthy || Date.now() >= deadline)) return status;
      if (options.watch) {
        progress.end();
        io.stdout.write(`${io.stdout.isTTY ? '\u001b[2J\u001b[H' : ''}${renderSiteStatus(status)}\n`);
      } else if (status.problems[0] !== told) {
        told = status.problems[0]!;
        progress.note(`Waiting: ${told}`);
      }
      await sleep(PAUSE_MS, undefined, { signal });
    }
  });
}
