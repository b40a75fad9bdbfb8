import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it } from 'vitest';
import { explain } from './explain.ts';

it('says what is wrong with a data folder and what to do, not where the code stood', async () => {
  const dir = await tempDir('explain');
  try {
    const file = join(dir.path, 'a-file');
    await writeFile(file, '');
    for (const PSA_DATA_DIR of [file, join(file, 'below')]) {
      const error = await mkdir(PSA_DATA_DIR, { recursive: true }).catch((thrown: unknown) => thrown);
      const text = explain(error, { HOST: '127.0.0.1', PORT: 3000, PSA_DATA_DIR });
      expect(text).toMatch(/a-file\S* is no folder\. Choose another folder: PSA_DATA_DIR=/);
      expect(text).not.toContain('\n');
    }
    for (const code of ['EPERM', 'EROFS', 'EACCES']) {
      const error = Object.assign(new Error(code), { code, syscall: 'mkdir', path: '/readonly/psa' });
      const text = explain(error, { HOST: '127.0.0.1', PORT: 3000, PSA_DATA_DIR: '/readonly/psa' });
      expect(text).toMatch(/^\/readonly\/psa .+ Choose another folder/);
    }
  } finally {
    await dir.remove();
  }
});
