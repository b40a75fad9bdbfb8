import { createHash } from 'node:crypto';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { ABOUT_ERRORS } from '@psa/service-kit/openapi';
import type { Upstream } from './upstream.ts';

interface Document {
  readonly paths?: Record<string, Record<string, unknown>>;
  readonly components?: Record<string, Record<string, unknown>>;
}

/** What the whole API looks like, as one OpenAPI 3.1 document. */
export interface ApiDocument {
  readonly text: string;
  readonly etag: string;
}

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** Merges the services' documents. @throws when two describe the same operation */
export function mergeDocuments(documents: readonly Document[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  const components: Record<string, Record<string, unknown>> = {};
  for (const document of documents) {
    for (const [path, operations] of Object.entries(document.paths ?? {})) {
      const known = (paths[path] ??= {});
      for (const [method, operation] of Object.entries(operations)) {
        if (METHODS.has(method) && known[method]) {
          throw new Error(`Two services describe ${method.toUpperCase()} ${path}.`);
        }
        known[method] = operation;
      }
    }
    for (const [kind, members] of Object.entries(document.components ?? {})) {
      components[kind] = { ...components[kind], ...members };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'PSA-Platform',
      version,
      description: `Professional services automation for managed service providers. Sign in with \`POST /auth/login\` and send the access token as \`Authorization: Bearer …\`, or send an API key as \`X-API-Key\`.\n\n${ABOUT_ERRORS}`,
      license: { name: 'GPL-3.0-only', identifier: 'GPL-3.0-only' },
    },
    servers: [{ url: '/' }],
    tags: SERVICE_NAMES.map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      ...components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

/**
 * Collects the services' documents on the first request and keeps the text. A service that does not answer is
 * left out, and then the result is not kept.
 */
export function apiDocument(upstreams: Readonly<Record<ServiceName, Upstream>>, version: string) {
  let kept: Promise<ApiDocument> | null = null;

  async function build(): Promise<ApiDocument> {
    const answers = await Promise.all(
      SERVICE_NAMES.map(async (name) => {
        const response = await upstreams[name]
          .request({ method: 'GET', path: '/api/v1/openapi.json' })
          .catch(() => null);
        return response?.status === 200 ? (JSON.parse(response.body) as Document) : null;
      }),
    );
    const whole = answers.every((answer) => answer !== null);
    if (!whole) kept = null;
    const text = JSON.stringify(
      mergeDocuments(
        answers.filter((answer) => answer !== null),
        version,
      ),
    );
    return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
  }

  return (): Promise<ApiDocument> => {
    if (!kept) {
      kept = build();
      kept.catch(() => {
        kept = null;
      });
    }
    return kept;
  };
}
