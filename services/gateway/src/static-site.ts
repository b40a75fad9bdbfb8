import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
/** Made by the build beside the file, best first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;
/** Vite puts the content's hash into the names of what it bundles, so such a name never changes its content. */
const HASHED = /(^|\/)assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

interface Variant {
  readonly encoding: 'br' | 'gzip' | null;
  readonly file: string;
  readonly size: number;
}
interface Entry {
  readonly type: string;
  readonly etag: string;
  readonly cache: string;
  /** Smallest first, the plain file last. */
  readonly variants: readonly Variant[];
}

/**
 * The files of one folder as they stood when it was opened: only what was there is served, so no path from
 * outside ever reaches the file system.
 */
export class StaticSite {
  readonly #entries = new Map<string, Entry>();

  /** @param folder built files; an absent one makes an empty site */
  constructor(folder: string) {
    for (const file of filesOf(folder)) {
      if (ENCODINGS.some(([, suffix]) => file.endsWith(suffix))) continue;
      const path = relative(folder, file).split(sep).join('/');
      // The build's own notes (stamp, manifest).
      if (/(^|\/)\./.test(path)) continue;
      const variants: Variant[] = [];
      for (const [encoding, suffix] of ENCODINGS) {
        const size = sizeOf(file + suffix);
        if (size !== null) variants.push({ encoding, file: file + suffix, size });
      }
      variants.push({ encoding: null, file, size: sizeOf(file) ?? 0 });
      this.#entries.set(path, {
        type: TYPES[extname(file)] ?? 'application/octet-stream',
        etag: `"${createHash('sha256').update(readFileSync(file)).digest('base64url').slice(0, 22)}"`,
        cache: HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
        variants,
      });
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** Sends a file of the site; false when there is none of this name. */
  serve(req: IncomingMessage, res: ServerResponse, path: string): boolean {
    const entry = this.#entries.get(path);
    if (!entry) return false;
    res.setHeader('etag', entry.etag);
    res.setHeader('cache-control', entry.cache);
    if (entry.variants.length > 1) res.setHeader('vary', 'accept-encoding');
    if (
      (req.headers['if-none-match'] ?? '')
        .split(',')
        .some((tag) => tag.trim().replace(/^W\//, '') === entry.etag)
    ) {
      res.statusCode = 304;
      res.end();
      return true;
    }
    const accepted = String(req.headers['accept-encoding'] ?? '');
    const variant = entry.variants.find(
      ({ encoding }) =>
        encoding === null || new RegExp(`(^|[ ,])${encoding}(?!\\s*;\\s*q=0(\\.0*)?(,|$))`).test(accepted),
    )!;
    res.setHeader('content-type', entry.type);
    res.setHeader('content-length', variant.size);
    if (variant.encoding) res.setHeader('content-encoding', variant.encoding);
    if (req.method === 'HEAD') res.end();
    // A client that leaves midway is no error; the connection is gone either way.
    else pipeline(createReadStream(variant.file), res, () => {});
    return true;
  }
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}
