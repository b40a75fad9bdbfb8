/** One bad field of a refused request: `code` and `values` as in contracts/detail-codes, `message` for the log. */
export interface FieldIssue {
  readonly field: string;
  /** Absent in answers of a release before. */
  readonly code?: string;
  readonly message: string;
  readonly values?: Readonly<Record<string, string | number>>;
}

/**
 * A request that did not succeed. `status` is 0 when no answer came at all; then `code` is
 * `NETWORK_ERROR` or `TIMEOUT`. Otherwise `code` is the platform's (see contracts/common ERROR_CODES).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly details: readonly FieldIssue[];
  /** Names the request in the server's log; null when it never reached a server. */
  readonly requestId: string | null;
  /** When to try again, in seconds, if the server said so. */
  readonly retryAfter: number | null;
  /** The same as a moment, in ms since epoch. */
  readonly retryAt: number | null;
  /** The states that would have been allowed (TRANSITION_FORBIDDEN). */
  readonly allowed: readonly string[];
  /** Of a conflict: says in the language of the moment which state does not allow it (contracts/reasons). */
  readonly reasonText: (() => string) | null;

  constructor(init: {
    status: number;
    code: string;
    message: string;
    details?: readonly FieldIssue[];
    requestId?: string | null;
    retryAfter?: number | null;
    allowed?: readonly string[];
    reasonText?: (() => string) | null;
    cause?: unknown;
  }) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.code = init.code;
    this.details = init.details ?? [];
    this.requestId = init.requestId ?? null;
    this.retryAfter = init.retryAfter ?? null;
    this.retryAt = this.retryAfter === null ? null : Date.now() + this.retryAfter * 1000;
    this.allowed = init.allowed ?? [];
    this.reasonText = init.reasonText ?? null;
  }

  /** No answer: offline, DNS, refused, timed out. The change may or may not have happened. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  /** Worth trying again unchanged. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }

  /** What is wrong with a field; the first of several. */
  issueOf(field: string): FieldIssue | undefined {
    return this.details.find((issue) => issue.field === field);
  }
}

/** Reads `Retry-After` (seconds or an HTTP date) as seconds from `now`; null when absent or nonsense. */
export function parseRetryAfter(value: string | null, now = Date.now()): number | null {
  if (value === null || value.trim() === '') return null;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

const CODE_BY_STATUS: Record<number, string> = {
  401: 'AUTHENTICATION_REQUIRED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  412: 'VERSION_CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMIT_EXCEEDED',
  503: 'SERVICE_UNAVAILABLE',
  504: 'EXTERNAL_SERVICE_TIMEOUT',
  507: 'STORAGE_FULL',
};

/** Turns an unsuccessful response into an ApiError, also when a proxy answered without the envelope. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const envelope = isRecord(body) && isRecord(body.error) ? body.error : {};
  const details = Array.isArray(envelope.details) ? envelope.details.filter(isFieldIssue) : [];
  const retryAfter =
    parseRetryAfter(response.headers.get('retry-after')) ??
    (typeof envelope.retry_after === 'number' ? envelope.retry_after : null);
  return new ApiError({
    status: response.status,
    code:
      typeof envelope.code === 'string'
        ? envelope.code
        : (CODE_BY_STATUS[response.status] ?? 'INTERNAL_ERROR'),
    message: typeof envelope.message === 'string' ? envelope.message : `HTTP ${response.status}`,
    details,
    requestId:
      typeof envelope.request_id === 'string' ? envelope.request_id : response.headers.get('x-request-id'),
    retryAfter,
    reasonText: typeof envelope.reason === 'string' ? await reasonTextOf(envelope.reason) : null,
    allowed: Array.isArray(envelope.allowed) ? envelope.allowed.filter((a) => typeof a === 'string') : [],
  });
}

/** The sentences come with the first conflict: a first page has none. Without them a conflict is told as a plain one. */
const reasonTextOf = (reason: string): Promise<(() => string) | null> =>
  import('./reason-text.ts').then(
    ({ reasonTeller }) => reasonTeller(reason),
    () => null,
  );

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFieldIssue(value: unknown): value is FieldIssue {
  return isRecord(value) && typeof value.field === 'string' && typeof value.message === 'string';
}

/** An address that leads to nothing: what it names is not there, or its id is none, which the server calls bad input. */
export const isUnknownAddress = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status === 404 || (error.status === 400 && error.details.some(({ field }) => field === 'id')));
