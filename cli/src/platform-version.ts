import { readFileSync } from 'node:fs';

/** Version of the platform that this psactl belongs to: that of a release says so itself, for nothing stands beside it. */
export function platformVersion(): string {
  const told = process.env.PSA_RELEASE_VERSION;
  if (told) return told;
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
