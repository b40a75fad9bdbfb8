import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until a condition holds, looking every 20 ms.
 * @throws after `timeoutMs` (default 30 s), or what the condition throws.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
  what = 'the condition',
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`);
    await sleep(20);
  }
}
