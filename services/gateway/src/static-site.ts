import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';

/** Vite puts the content's hash into the names of what it bundles, so such a name never changes its content. */
const HASHED = /(^|\/)assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

/** Sends a file of a folder; false when there is none of this name. `path` has no leading slash and is decoded. */
export type StaticSite = (req: IncomingMessage, res: ServerResponse, path: string) => boolean;

/**
 * The files of one folder as they stood when it was opened, packed ones (`.br`, `.gz`) for those who take them: only
 * what was there is served, so no path from outside ever reaches the file system. Null where there is no folder.
 */
export function staticSite(folder: string): StaticSite | null {
  if (!existsSync(folder)) return null;
  const handler = sirv(folder, {
    ...{ etag: true, brotli: true, gzip: true },
    extensions: [],
    setHeaders(res, path) {
      const cache = HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
      res.setHeader('cache-control', cache);
    },
  });
  return (req, res, path) => {
    // A file that a new build has taken away is no reason to end the process, as an unheard error would.
    res.once('pipe', (source) => source.once('error', () => res.destroy()));
    const asked = Object.create(req, {
      url: { value: `/${path.split('/').map(encodeURIComponent).join('/')}` },
      // Parts of files are of no use here, and nonsensical ones are an error in sirv.
      headers: { value: { ...req.headers, range: undefined, 'accept-encoding': takenBy(req) } },
      _parsedUrl: { value: undefined, writable: true },
    }) as IncomingMessage;
    let found = true;
    handler(asked, res, () => {
      found = false;
    });
    return found;
  };
}

/** The encodings that a browser takes, without those that it refuses by a weight of 0. */
function takenBy(req: IncomingMessage): string {
  return String(req.headers['accept-encoding'] ?? '')
    .split(',')
    .filter((entry) => !/;\s*q=0(\.0*)?\s*$/.test(entry))
    .join(',');
}
