import { CliError } from '../errors.ts';
import { ApiError, errorBodyOf } from './errors.ts';
import { retryDelay } from './retry.ts';

export interface ApiSettings {
  readonly url: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** How long to wait in all, per request, for a platform that is busy or away; ms. */
  readonly patienceMs: number;
  note(text: string): void;
  sleep(ms: number): Promise<void>;
}

export interface RequestOptions {
  /** For the error: "list users". */
  readonly action: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Sends an Idempotency-Key, so that the write may be repeated until it is answered. */
  readonly idempotent?: boolean;
  /** Sent without signing in. */
  readonly anonymous?: boolean;
  /** Statuses besides 2xx that are answers rather than errors. */
  readonly accept?: readonly number[];
  readonly patienceMs?: number;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;
/** A platform that answered before may be starting again; one that never did is most likely not there. */
const PATIENCE_AWAY_MS = 120_000;
const PATIENCE_UNSEEN_MS = 3_000;

interface Raw {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}
export type Send = (
  method: string,
  path: string,
  options: RequestOptions,
  headers: Record<string, string>,
) => Promise<Raw>;

/** The body of a good answer; throws what a bad one says. */
export function read<T>(raw: Raw, path: string, options: RequestOptions): T {
  const json = parseJson(raw);
  if ((raw.status >= 200 && raw.status < 300) || options.accept?.includes(raw.status)) {
    if (raw.text !== '' && json === undefined) throw notThePlatform(options, path);
    return (json ?? null) as T;
  }
  const body = errorBodyOf(json);
  if (!body && (raw.status < 500 || raw.status > 504)) throw notThePlatform(options, path, raw.status);
  throw new ApiError(options.action, raw.status, body);
}

function parseJson(raw: Raw): unknown {
  try {
    return JSON.parse(raw.text);
  } catch {
    return undefined;
  }
}

const notThePlatform = (options: RequestOptions, path: string, status?: number) =>
  new CliError(`Unable to ${options.action}: what answers there is not PSA-Platform.`, {
    code: 'NOT_THE_PLATFORM',
    why: `${path} gave ${status === undefined ? 'something other than JSON' : `status ${status} without the platform's error body`}.`,
    fix: 'Check PSA_URL or --url.',
  });

/** Clients that got an answer from their platform. */
const seen = new WeakSet<ApiSettings>();

/** Sends until there is an answer worth having or patience ends. */
export async function exchange(
  settings: ApiSettings,
  method: string,
  path: string,
  options: RequestOptions,
  headers: Record<string, string>,
): Promise<Raw> {
  const repeatable = method === 'GET' || options.idempotent === true;
  let waitedMs = 0;
  for (let number = 1; ; number++) {
    const result = await once(settings, method, path, options, headers);
    const failed = 'error' in result;
    if (!failed && result.status < 500) seen.add(settings);
    if (!failed && result.status < 400) return result;
    const patienceMs = Math.min(
      options.patienceMs ?? settings.patienceMs,
      !failed && result.status === 429
        ? Number.POSITIVE_INFINITY
        : seen.has(settings) || !failed
          ? PATIENCE_AWAY_MS
          : PATIENCE_UNSEEN_MS,
    );
    const attempt = {
      number,
      status: failed ? null : result.status,
      retryAfter: failed ? null : result.retryAfter,
      repeatable,
      waitedMs,
      patienceMs,
    };
    // A certificate is no better in a second.
    const final =
      failed && (result.error.code === 'NOT_TLS' || result.error.code === 'UNTRUSTED_CERTIFICATE');
    const delay =
      final || options.accept?.includes(attempt.status ?? 0)
        ? null
        : retryDelay(attempt, Date.now(), Math.random());
    if (delay === null) {
      if (failed) throw result.error;
      return result;
    }
    if (delay >= 2_000 || number === 3) settings.note(waiting(attempt.status, delay));
    waitedMs += delay;
    await settings.sleep(delay);
  }
}

const waiting = (status: number | null, ms: number) =>
  `${status === 429 ? 'The platform asks for patience (429)' : status === null ? 'The platform does not answer' : `The platform is busy (${status})`}; trying again in ${Math.ceil(ms / 1000)} s.`;

type Once = (Raw & { retryAfter: string | null }) | { error: CliError };

async function once(
  settings: ApiSettings,
  method: string,
  path: string,
  options: RequestOptions,
  headers: Record<string, string>,
): Promise<Once> {
  const url = new URL(settings.url + path);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method,
      signal: AbortSignal.any([settings.signal, timeout]),
      // Following would carry the credentials to wherever it leads.
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        'user-agent': 'psactl',
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location) {
      throw new CliError(`Unable to ${options.action}: ${settings.url} leads elsewhere.`, {
        code: 'REDIRECTED',
        why: `It answers ${response.status} with ${new URL(location, url).origin}.`,
        fix: 'Set PSA_URL to the address where the platform itself answers.',
      });
    }
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      text: await response.text(),
      retryAfter: response.headers.get('retry-after'),
    };
  } catch (error) {
    if (settings.signal.aborted) throw settings.signal.reason;
    if (error instanceof CliError) throw error;
    return { error: unreachable(settings.url, options, error as Error, timeout.aborted) };
  }
}

function unreachable(url: string, options: RequestOptions, error: Error, timedOut: boolean): CliError {
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (!timedOut && cause?.code && (NO_TLS.has(cause.code) || NO_TRUST.test(cause.code))) {
    return insecure(url, options, cause as NodeJS.ErrnoException & { code: string });
  }
  return new CliError(`Unable to ${options.action}: ${url} does not answer.`, {
    code: timedOut ? 'TIMEOUT' : 'UNREACHABLE',
    why: timedOut
      ? `No answer within ${(options.timeoutMs ?? TIMEOUT_MS) / 1000} s.`
      : cause?.message || cause?.code || error.message,
    fix: 'Start the platform ("npm start"), or set PSA_URL to the address where it runs.',
    cause: error,
  });
}

/** What OpenSSL says to a server that does not speak TLS. */
const NO_TLS: ReadonlySet<string> = new Set([
  'EPROTO',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);
/** Node's names for what is wrong with a certificate: the codes of X509_verify_cert and of its own check of names. */
const NO_TRUST = /CERT|SELF_SIGNED|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH/;

function insecure(url: string, options: RequestOptions, cause: Error & { code: string }): CliError {
  if (NO_TLS.has(cause.code)) {
    return new CliError(`Unable to ${options.action}: ${url} does not speak TLS.`, {
      code: 'NOT_TLS',
      why: 'Something answers there, but not over https.',
      fix: `Set PSA_URL to ${url.replace(/^https/, 'http')}, or to the address of the proxy that speaks TLS.`,
      cause,
    });
  }
  return new CliError(`Unable to ${options.action}: the certificate of ${url} is not to be trusted.`, {
    code: 'UNTRUSTED_CERTIFICATE',
    why: `${cause.message} (${cause.code}).`,
    fix: 'Set NODE_EXTRA_CA_CERTS to the file of the authority that issued it, or PSA_URL to the name it is issued for.',
    cause,
  });
}
