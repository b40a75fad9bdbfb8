import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@psa/service-kit/errors';
import type { Logger } from '@psa/service-kit/log';
import { staticSite } from './static-site.ts';

/** Folders with the built portals. */
export interface PortalFolders {
  readonly technician: string;
  readonly customer: string;
}

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PSA-Platform API</title>
<link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<link rel="stylesheet" href="/api/docs/index.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;
const DOCS_SCRIPT = `window.ui = SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  filter: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
});
`;
const DOCS_FILES: Readonly<Record<string, { type: string; body: string }>> = {
  '': { type: 'text/html; charset=utf-8', body: DOCS_PAGE },
  'start.js': { type: 'text/javascript; charset=utf-8', body: DOCS_SCRIPT },
};
const DOCS_FOLDER = join(
  dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui/package.json'))),
  'static',
);

/** Serves what people open in a browser: the API browser and both portals. */
export function pages(folders: PortalFolders, log: Logger) {
  const docs = staticSite(DOCS_FOLDER, log);
  const portals = [
    { name: 'customer', prefix: '/portal/', site: staticSite(folders.customer, log) },
    { name: 'technician', prefix: '/', site: staticSite(folders.technician, log) },
  ];

  /** @throws 404 for what is not there, 405 for other methods */
  return (req: IncomingMessage, res: ServerResponse): void | Promise<void> => {
    const path = pathOf(req.url!);
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      throw new AppError(405, 'METHOD_NOT_ALLOWED', `There is no ${req.method} ${path}.`, {
        allowed: ['GET', 'HEAD'],
      });
    }
    if (path === '/portal' || path === '/api/docs/') {
      res.writeHead(308, { location: path === '/portal' ? '/portal/' : '/api/docs' }).end();
      return;
    }
    if (path === '/api/docs' || path.startsWith('/api/docs/')) {
      const name = path.slice('/api/docs/'.length);
      const own = DOCS_FILES[name];
      if (own) {
        res.setHeader('content-type', own.type);
        res.setHeader('content-length', Buffer.byteLength(own.body));
        res.setHeader('cache-control', 'no-cache');
        res.end(req.method === 'HEAD' ? undefined : own.body);
        return;
      }
      const file = docs?.(req, res, name);
      if (!file) throw missing(path);
      return file;
    }
    const portal = portals.find(({ prefix }) => path.startsWith(prefix));
    if (!portal) throw missing(path);
    const name = path.slice(portal.prefix.length);
    const file = name === '' ? null : portal.site?.(req, res, name);
    if (file) return file;
    if (name !== '' && !isNavigation(req, path)) throw missing(path);
    const page = portal.site?.(req, res, 'index.html');
    if (!page) {
      throw new AppError(
        503,
        'SERVICE_UNAVAILABLE',
        `The ${portal.name} portal is not built. "npm start" builds it; or run "npx vite build portals/${portal.name}".`,
      );
    }
    return page;
  };
}

const missing = (path: string) => new AppError(404, 'RESOURCE_NOT_FOUND', `There is no ${path}.`);

/** The decoded path. @throws 404 when it cannot be decoded */
function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0]!);
  } catch {
    throw missing(url);
  }
}

/** A page that somebody opens, rather than a file that a page asks for: those get the application's one page. */
function isNavigation(req: IncomingMessage, path: string): boolean {
  if (/^\/(api|internal|assets|portal\/assets)\//.test(path)) return false;
  if (req.headers['sec-fetch-mode'] === 'navigate') return true;
  return String(req.headers.accept ?? '').includes('text/html');
}
