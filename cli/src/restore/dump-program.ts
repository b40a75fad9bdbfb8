import { PassThrough, type Readable } from 'node:stream';
import type { ReadDump } from '@psa/recovery/rows/take';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { lastWords } from '../text.ts';
import { RESTORE_MS } from './place-database.ts';

/** The text of a dump as a program in a container writes it. Whoever reads it fails with the program. */
export const textOf =
  (
    cluster: Cluster,
    container: number,
    argv: readonly string[],
    { unable, stdin }: { readonly unable: string; readonly stdin?: () => Readable },
  ): ReadDump =>
  async (read) => {
    const text = new PassThrough();
    const options = { ...(stdin && { stdin: stdin() }), stdout: text, timeoutMs: RESTORE_MS };
    const writing = cluster.exec(container, argv, options).then(({ code, stderr }) => {
      if (code === 0) return void text.end();
      const error = new CliError(unable, { why: lastWords(stderr) });
      text.destroy(error);
      throw error;
    });
    writing.catch(() => {});
    const result = await read(text);
    await writing;
    return result;
  };
