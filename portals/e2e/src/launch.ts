import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Starts Debian's Chromium without its window, menus and extensions: the same pages for half of the processor's time. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: onPath('chromium-headless-shell'),
    // Chromium refuses to use its sandbox as root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

function onPath(program: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(`${program} is not installed. On Debian: apt-get install -y ${program}`);
}
