import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { grants, type Permission } from '@psa/contracts/permissions';
import type { Clock } from '@psa/contracts/ports/clock';
import { PUBLIC_ROUTES } from '@psa/contracts/routing';
import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify';
import { contextFromClaims, type RequestContext } from './context.ts';
import { AppError, errorBody, toAppError } from './errors.ts';
import { parseJson } from './json.ts';
import type { Logger } from './log.ts';
import type { TokenVerifier } from './tokens.ts';

/** A Fastify instance whose handlers are typed by their TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must hold; several: any of them. Routes without one must stand in PUBLIC_ROUTES. */
    permission?: Permission | readonly Permission[];
    /** Largest body in bytes that differs from the app's. */
    rawBody?: boolean;
  }
  interface FastifyRequest {
    /** Set by the guard on every route that is not public. */
    context: RequestContext | null;
  }
}

export interface AppOptions {
  readonly name: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly verifier: TokenVerifier;
  /** Bytes; attachments have their own limit. */
  readonly bodyLimit?: number;
  /** Trust X-Forwarded-For of the direct peer (behind the gateway or HAProxy). */
  readonly trustProxy?: boolean;
}

export const DEFAULT_BODY_LIMIT = 1024 * 1024;
const REQUEST_ID = /^[A-Za-z0-9_.:-]{8,100}$/;

/** The request id: the caller's when it is well-formed, else a new one. */
export const requestIdOf = (headers: IncomingMessage['headers']): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${randomUUID()}`;
};

const base = {
  allErrors: true,
  removeAdditional: false,
  useDefaults: true,
  strict: false,
  allowUnionTypes: true,
} as const;
const addFormats = addFormatsModule as unknown as (ajv: Ajv, options: { mode: 'full' }) => Ajv;
/** Neither JavaScript nor PostgreSQL has a leap second or a year 0: what passes here must be a time for both. */
const representable = (format: 'date' | 'date-time', ajv: Ajv) => {
  const full = ajv.formats[format] as { validate: (text: string) => boolean };
  return (text: string) =>
    full.validate(text) && !text.startsWith('0000') && !/^[^T ]+[T ]..:..:60/i.test(text);
};
const formats = (ajv: Ajv) => {
  addFormats(ajv, { mode: 'full' });
  for (const name of ['date', 'date-time'] as const) ajv.addFormat(name, representable(name, ajv));
  return ajv;
};
/** Bodies are taken as they are; query strings and path parameters are text and are coerced to their type. */
const bodyAjv = formats(new Ajv({ ...base, coerceTypes: false }));
const textAjv = formats(new Ajv({ ...base, coerceTypes: true }));

/**
 * An app with what every service needs: request ids, validation that names every bad field, the one error
 * body, the permission guard. A route names its permission in `config`; one that names none and is not in
 * PUBLIC_ROUTES cannot be registered.
 */
export function createApp(options: AppOptions): App {
  const app = Fastify({
    loggerInstance: options.log as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestIdOf(request.headers),
    bodyLimit: options.bodyLimit ?? DEFAULT_BODY_LIMIT,
    trustProxy: options.trustProxy ?? false,
    // 404 rather than a redirect or a guess; ids are checked by their schema.
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => sendError(options, error, request, reply),
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>() as App;

  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodyAjv : textAjv).compile(schema as object),
  );
  // Fastify's own would put every problem into one sentence that nobody gets to see.
  app.setSchemaErrorFormatter(() => new Error('not valid'));
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  app.removeContentTypeParser('text/plain');

  app.decorateRequest('context', null);
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      if (method === 'HEAD' || method === 'OPTIONS') continue;
      const open = PUBLIC_ROUTES.includes(`${method} ${route.url}`);
      if (!open && !route.config?.permission) {
        throw new Error(`Route ${method} ${route.url} names no permission and is not in PUBLIC_ROUTES.`);
      }
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const permission = request.routeOptions.config?.permission;
    if (permission) request.context = await authorize(options.verifier, request, permission);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (request.url === '/health' || request.url === '/ready' || request.url === '/metrics') return;
    request.log.info(
      {
        request_id: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        tenant_id: request.context?.scope.tenant_id,
        user_id: request.context?.actor.id,
      },
      'request',
    );
  });
  app.setErrorHandler((error, request, reply) => sendError(options, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendError(
      options,
      new AppError(404, 'RESOURCE_NOT_FOUND', `There is no ${request.method} ${request.url.split('?')[0]}.`),
      request,
      reply,
    ),
  );
  return app;
}

/** Verifies the bearer token and the permission; returns the request's context. */
async function authorize(
  verifier: TokenVerifier,
  request: FastifyRequest,
  permission: Permission | readonly Permission[],
): Promise<RequestContext> {
  const header = request.headers.authorization;
  if (!header) throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'Please sign in.');
  const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header)?.[1];
  if (!token) throw new AppError(401, 'TOKEN_INVALID', 'The Authorization header must be "Bearer <token>".');
  const claims = await verifier.verify(token);
  const context = contextFromClaims(claims, token, request.id, request.ip);
  const wanted = [permission].flat() as Permission[];
  if (!wanted.some((one) => grants(context.actor.permissions, one))) {
    throw new AppError(403, 'PERMISSION_DENIED', `This needs the permission ${wanted.join(' or ')}.`);
  }
  return context;
}

/** The context of a guarded route; a public route has none. */
export function contextOf(request: FastifyRequest): RequestContext {
  if (!request.context) throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'Please sign in.');
  return request.context;
}

/** True when the caller holds the permission. */
export const can = (context: RequestContext, permission: Permission) =>
  grants(context.actor.permissions, permission);

function sendError(options: AppOptions, thrown: unknown, request: FastifyRequest, reply: FastifyReply) {
  const error = toAppError(thrown);
  if (error.status >= 500) {
    request.log.error(
      { err: error.cause ?? error, request_id: request.id, route: request.routeOptions?.url },
      error.message,
    );
  }
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .header('x-request-id', request.id)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(errorBody(error, request.id, options.clock.now()));
}
