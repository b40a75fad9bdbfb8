import { readFileSync } from 'node:fs';

const { config } = JSON.parse(
  readFileSync(new URL('../../embedded/package.json', import.meta.url), 'utf8'),
) as { config: { node: string[] } };

/** Node's, as `npm start` gives them to the whole platform in one process. */
export const PLATFORM_FLAGS: readonly string[] = config.node;
