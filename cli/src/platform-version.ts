import { readFileSync } from 'node:fs';

/** Version of the platform that this psactl belongs to. */
export function platformVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
