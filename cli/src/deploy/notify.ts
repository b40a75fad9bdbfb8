import type { HistoryEntry } from '../site/deployed.ts';
import type { KnownSite } from '../site/site.ts';

/** Tells a webhook how it went: `text` for a chat, the entry of the history for a program. */
export async function notify(url: string | null, site: KnownSite, entry: HistoryEntry): Promise<void> {
  if (url === null) return;
  const releases = [...new Set(Object.values(entry.to))].join(', ');
  const how = { done: 'done', rolled_back: 'rolled back', failed: 'FAILED' }[entry.outcome];
  const reason = entry.reason === null ? '' : `: ${entry.reason}`;
  const body = {
    text: `${site.inventory.name} (${site.site.name}): ${entry.action} of ${releases} ${how} after ${entry.seconds} s${reason}`,
    ...entry,
  };
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`);
}
