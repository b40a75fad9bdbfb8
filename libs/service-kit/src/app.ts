import { randomUUID } from 'node:crypto';
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { bodyLimitOf } from '@psa/contracts/body-limits';
import { JSON_BODY_BYTES } from '@psa/contracts/limits';
import { grants, type Permission } from '@psa/contracts/permissions';
import type { Clock } from '@psa/contracts/ports/clock';
import { PUBLIC_ROUTES } from '@psa/contracts/services';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify';
import { contextFromClaims, type RequestContext } from './context.ts';
import { AppError, errorBody, headersOf, invalid, toAppError } from './errors.ts';
import { parseJson, unstorableText } from './json.ts';
import { lingerAfterRefusal } from './linger.ts';
import type { ListSpec } from './list.ts';
import { loadGuard } from './load-guard.ts';
import type { Logger } from './log.ts';
import { KnownMethods } from './methods.ts';
import { serializerFor } from './serialization.ts';
import type { TokenVerifier } from './tokens.ts';
import { validatorFor } from './validation.ts';

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
    /** What a list can be sorted by and thinned to; the API's document names it. */
    list?: ListSpec;
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
  /** Trust X-Forwarded-For of the direct peer (behind the gateway or HAProxy). */
  readonly trustProxy?: boolean;
}

/** What the machines ask that look after a service; answered however much there is to do. */
const OWN = new Set(['/health', '/ready', '/metrics']);
const REQUEST_ID = /^[A-Za-z0-9_.:-]{8,100}$/;

/** The request id: the caller's when it is well-formed, else a new one. */
export const requestIdOf = (headers: IncomingMessage['headers']): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${randomUUID()}`;
};

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
    bodyLimit: JSON_BODY_BYTES,
    trustProxy: options.trustProxy ?? false,
    // 404 rather than a redirect or a guess; ids are checked by their schema.
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => sendError(options, error, request, reply),
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>() as App;

  app.setValidatorCompiler(({ schema, httpPart }) =>
    validatorFor(schema as object, httpPart === 'body' ? 'body' : 'text'),
  );
  app.setSerializerCompiler(({ schema }) => serializerFor(schema as object));
  // Fastify's own would put every problem into one sentence that nobody gets to see.
  app.setSchemaErrorFormatter(() => new Error('not valid'));
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    try {
      const { values } = bodyLimitOf(request.method, request.routeOptions.url ?? '');
      done(null, parseJson(body as string, values));
    } catch (error) {
      done(error as Error);
    }
  });
  app.removeContentTypeParser('text/plain');

  app.decorateRequest('context', null);
  const known = new KnownMethods();
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      known.add(method, route.url);
      if (method === 'HEAD' || method === 'OPTIONS') continue;
      route.bodyLimit ??= bodyLimitOf(method, route.url).bytes;
      const open = PUBLIC_ROUTES.includes(`${method} ${route.url}`);
      if (!open && !route.config?.permission) {
        throw new Error(`Route ${method} ${route.url} names no permission and is not in PUBLIC_ROUTES.`);
      }
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    lingerAfterRefusal(request.raw, reply.raw);
    reply.header('x-request-id', request.id);
    // What comes within the process has been let in before.
    const overload =
      request.raw instanceof IncomingMessage && !OWN.has(request.url) ? loadGuard().refusal() : null;
    if (overload) throw overload;
    // Before a byte of the body is looked at.
    if (request.is404) throw known.missing(request.method, request.url);
    const mistaken = known.mistaken(request.method, request.url);
    if (mistaken) throw mistaken;
    checkType(request);
    const permission = request.routeOptions.config?.permission;
    if (permission) request.context = await authorize(options.verifier, request, permission);
  });
  app.addHook('preValidation', async (request) => {
    for (const part of [request.query, request.params] as Record<string, unknown>[]) {
      for (const [field, value] of Object.entries(part ?? {})) {
        const message = unstorableText(`${field}${value}`);
        if (message !== null)
          throw invalid({
            field: unstorableText(field) === null ? field : 'query',
            code: 'wrong_form',
            message,
          });
      }
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    if (OWN.has(request.url)) return;
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
    sendError(options, known.missing(request.method, request.url), request, reply),
  );
  return app;
}

/** A route that takes other things than JSON says which (`consumes`). @throws 415 */
function checkType(request: FastifyRequest): void {
  const taken = (request.routeOptions.schema as { consumes?: readonly string[] } | undefined)?.consumes;
  const given = request.headers['content-type']?.split(';', 1).join('').trim().toLowerCase();
  if (!taken || given === undefined || taken.includes(given)) return;
  throw new AppError(415, 'UNSUPPORTED_MEDIA_TYPE', `Send ${taken.join(' or ')}.`, {
    details: [{ field: 'content-type', code: 'unknown_value', message: `must be ${taken.join(' or ')}` }],
  });
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
  return reply
    .headers(headersOf(error))
    .code(error.status)
    .header('x-request-id', request.id)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(errorBody(error, request.id, options.clock.now()));
}
