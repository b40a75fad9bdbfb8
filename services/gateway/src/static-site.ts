import { existsSync, type ReadStream, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { AppError } from '@psa/service-kit/errors';
import type { Logger } from '@psa/service-kit/log';
import sirv from 'sirv';

/** Vite puts the content's hash into the names of what it bundles, so such a name never changes its content. */
const HASHED = /(^|\/)assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

/**
 * Sends a file of a folder; null when there is none of this name. `path` has no leading slash and is decoded. Rejects
 * with 404 when the file has gone since, and with what hinders it to be opened; nothing is sent then.
 */
export type StaticSite = (req: IncomingMessage, res: ServerResponse, path: string) => Promise<void> | null;

/**
 * What changes with a new build: sirv keeps the sizes and tags of all files, and would send the new page with the length
 * of the old one, or tell a browser that has the old one to keep it.
 */
const buildOf = (folder: string): string =>
  ['', 'index.html', 'assets']
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
    .map((found) => (found ? `${found.mtimeMs} ${found.size} ${found.ino}` : ''))
    .join('/');

/**
 * The files of one folder as they stood when it was opened, or built anew since, packed ones (`.br`, `.gz`) for those who
 * take them: only what was there is served, so no path from outside ever reaches the file system. Null where there is no
 * folder.
 */
export function staticSite(folder: string, log: Logger): StaticSite | null {
  if (!existsSync(folder)) return null;
  // Of the call under way: set when there is a file to be read, before the handler comes back.
  let opening: Promise<void> | undefined;
  const open = () =>
    sirv(folder, {
      ...{ etag: true, brotli: true, gzip: true },
      extensions: [],
      setHeaders(res, path) {
        const cache = HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
        res.setHeader('cache-control', cache);
        opening = afterOpening(res, path, log);
      },
    });
  let build = buildOf(folder);
  let handler = open();
  /** Whether the folder was built anew since it was opened; it is opened again then. */
  const isNew = () => {
    const now = buildOf(folder);
    if (now === build || !existsSync(folder)) return false;
    handler = open();
    build = now;
    return true;
  };
  return (req, res, path) => {
    const serve = () => {
      const asked = Object.create(req, {
        url: { value: `/${path.split('/').map(encodeURIComponent).join('/')}` },
        // Parts of files are of no use here, and nonsensical ones are an error in sirv.
        headers: { value: { ...req.headers, range: undefined, 'accept-encoding': takenBy(req) } },
        _parsedUrl: { value: undefined, writable: true },
      }) as IncomingMessage;
      let found = true;
      opening = undefined;
      handler(asked, res, () => {
        found = false;
      });
      return found;
    };
    // What has its hash in its name never changes: a new build is looked for only where one is not there.
    const isHashed = HASHED.test(path);
    if (!isHashed) isNew();
    const found = serve() || (isHashed && isNew() && serve());
    return found ? (opening ?? Promise.resolve()) : null;
  };
}

/**
 * Holds back the head of an answer until its file is open, for a new build may have taken it away, and then nothing of
 * the answer may be left. Resolves when the head is written.
 */
function afterOpening(res: ServerResponse, path: string, log: Logger): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let writeHead = () => {};
  res.writeHead = (...head: unknown[]) => {
    Reflect.deleteProperty(res, 'writeHead');
    writeHead = () => void Reflect.apply(res.writeHead, res, head);
    return res;
  };
  res.once('pipe', (source: ReadStream) => {
    source.once('open', () => {
      writeHead();
      resolve();
    });
    source.once('error', (error: NodeJS.ErrnoException) => {
      if (res.headersSent) {
        log.error({ err: error, path }, 'a file of a page could not be read to its end');
        res.destroy();
        return;
      }
      res.removeHeader('cache-control');
      if (error.code !== 'ENOENT') return reject(error);
      log.warn({ path }, 'a file of a page has gone since the start');
      reject(new AppError(404, 'RESOURCE_NOT_FOUND', `There is no ${path} any more.`));
    });
    // Who goes away leaves the file open otherwise.
    res.once('close', () => source.destroy());
  });
  return promise;
}

/** The encodings that a browser takes, without those that it refuses by a weight of 0. */
function takenBy(req: IncomingMessage): string {
  return String(req.headers['accept-encoding'] ?? '')
    .split(',')
    .filter((entry) => !/;\s*q=0(\.0*)?\s*$/.test(entry))
    .join(',');
}
