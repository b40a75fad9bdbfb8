import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { tempDir } from './temp-dir.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `prepared` keeps what it made in this run. */
    preparedFolder: string;
  }
}

/** The key of that folder. */
export const PREPARED = 'preparedFolder';

/** Once per run: the folder of `prepared`, and where what tests build is signed from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await tempDir('prepared');
  project.provide(PREPARED, dir.path);
  // Nobody's own key: that of this machine stays as it is.
  process.env.PSA_SIGNING_KEY = join(dir.path, 'signing.key');
  return () => dir.remove();
}
