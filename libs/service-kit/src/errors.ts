import type { ErrorBody, ErrorCode, ErrorDetail } from '@psa/contracts/common';
import type { Reason } from '@psa/contracts/reasons';

interface AppErrorOptions {
  details?: ErrorDetail[];
  /** Seconds after which another try makes sense; becomes Retry-After. */
  retryAfter?: number;
  /** What would have been allowed instead (status transitions, methods). */
  allowed?: readonly string[];
  /** Of a conflict: what a person is told in their language. */
  reason?: Reason;
  cause?: unknown;
}

/** An error that is meant for the caller: status, code and message go out as they are (BDUF §4.4). */
export class AppError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly details: ErrorDetail[];
  readonly retryAfter: number | undefined;
  readonly allowed: readonly string[] | undefined;
  readonly reason: Reason | undefined;

  constructor(status: number, code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfter = options.retryAfter;
    this.allowed = options.allowed;
    this.reason = options.reason;
  }
}

/** 400 naming each bad field. */
export const invalid = (...details: ErrorDetail[]) =>
  new AppError(400, 'VALIDATION_ERROR', details.map((d) => `${d.field}: ${d.message}`).join('; '), {
    details,
  });
/** 404. Also the answer for things that exist but are not the asker's to know of. */
export const notFound = (what: string) =>
  new AppError(404, 'RESOURCE_NOT_FOUND', `There is no such ${what}.`);
export const forbidden = (message = 'You are not allowed to do this.') =>
  new AppError(403, 'PERMISSION_DENIED', message);
export const conflict = (reason: Reason, message: string, details: ErrorDetail[] = []) =>
  new AppError(409, 'RESOURCE_CONFLICT', message, { details, reason });
export const alreadyExists = (field: string, message: string) =>
  new AppError(409, 'RESOURCE_ALREADY_EXISTS', message, { details: [{ field, code: 'taken', message }] });
/** 503 with Retry-After. */
export const unavailable = (message: string, retryAfter = 2, cause?: unknown) =>
  new AppError(503, 'SERVICE_UNAVAILABLE', message, { retryAfter, cause });

/** The body of an error answer. */
export function errorBody(error: AppError, requestId: string, now: Date): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      details: error.details,
      request_id: requestId,
      timestamp: now.toISOString(),
      ...(error.retryAfter === undefined ? {} : { retry_after: error.retryAfter }),
      ...(error.allowed === undefined ? {} : { allowed: [...error.allowed] }),
      ...(error.reason === undefined ? {} : { reason: error.reason }),
    },
  };
}

/** The headers that an error brings: when to try again, what to bring, what is allowed. */
export function headersOf(error: AppError): Record<string, string> {
  return {
    ...(error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) }),
    ...(error.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(error.status === 405 ? { allow: (error.allowed ?? []).join(', ') } : {}),
  };
}

export interface AjvError {
  schemaPath: string;
  instancePath: string;
  keyword: string;
  message?: string;
  params: Record<string, unknown>;
}

/** `/a/0/b` and what the keyword adds to it, as `a[0].b`; the whole value is called by its context. */
function fieldOf(error: AjvError, context: string): string {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const extra = error.params.missingProperty ?? error.params.additionalProperty ?? error.params.propertyName;
  if (typeof extra === 'string') path.push(extra);
  if (path.length === 0) return context;
  return path.reduce((text, part) => {
    // A field may have no name at all; then its quotes name it.
    const name = part === '' ? '""' : part;
    return /^\d+$/.test(part) ? `${text}[${part}]` : text ? `${text}.${name}` : name;
  }, '');
}

/** What a value of our own formats must be, for people. */
const FORMAT_MESSAGES: Readonly<Record<string, string>> = {
  'idn-email': 'must be a valid email',
  'web-address': 'must be a web address such as https://www.example.com',
};

/** What the validator's keyword means for the caller. */
function judgementOf(error: AjvError): Omit<ErrorDetail, 'field'> {
  const limit = Number(error.params.limit);
  const message = error.message ?? 'is not valid';
  switch (error.keyword) {
    case 'required':
      return { code: 'required', message: 'is required' };
    case 'additionalProperties':
      return { code: 'unknown_field', message: 'is not a known field' };
    case 'enum':
      return {
        code: 'unknown_value',
        message: `must be one of: ${(error.params.allowedValues as unknown[]).join(', ')}`,
      };
    case 'const':
      return { code: 'unknown_value', message };
    case 'type':
      return { code: 'wrong_type', message };
    case 'minLength':
      return limit === 1
        ? { code: 'empty', message: 'must not be empty' }
        : { code: 'too_short', message: `must have at least ${limit} characters`, values: { least: limit } };
    case 'maxLength':
      return { code: 'too_long', message: `must have at most ${limit} characters`, values: { most: limit } };
    case 'minItems':
      return { code: 'too_few', message, values: { least: limit } };
    case 'maxItems':
    case 'maxProperties':
      return { code: 'too_many', message, values: { most: limit } };
    case 'minProperties':
      return { code: 'too_few', message: 'must name at least one field', values: { least: limit } };
    case 'minimum':
    case 'exclusiveMinimum':
      return { code: 'too_small', message, values: { least: limit } };
    case 'maximum':
    case 'exclusiveMaximum':
      return { code: 'too_large', message, values: { most: limit } };
    case 'uniqueItems':
      return { code: 'duplicate', message };
    case 'format': {
      const form = String(error.params.format);
      return {
        code: 'wrong_form',
        message: FORMAT_MESSAGES[form] ?? `must be a valid ${form}`,
        values: { form },
      };
    }
    case 'pattern':
      return { code: 'wrong_form', message: 'has characters or a form that is not allowed here' };
    default:
      return { code: 'not_valid', message };
  }
}

/** More than anybody reads: a body of 80,000 unknown fields must not be answered by as many sentences. */
const MOST_DETAILS = 100;

/** Every problem that the schema validator found, up to {@link MOST_DETAILS}, once per field and message. */
export function validationDetails(errors: readonly AjvError[], context: string): ErrorDetail[] {
  const seen = new Map<string, ErrorDetail>();
  for (const error of errors) {
    if (seen.size === MOST_DETAILS) break;
    // `T | null` reports each arm; the arm that the value's type chose says it best, the frame says nothing.
    if (error.keyword === 'anyOf' && errors.length > 1) continue;
    if (error.keyword === 'type' && error.params.type === 'null' && errors.length > 1) continue;
    const detail = { field: fieldOf(error, context), ...judgementOf(error) };
    seen.set(`${detail.field}\n${detail.message}`, detail);
  }
  return [...seen.values()];
}

/** The connection to the database did not come about, or was lost, or leads to a server that is no primary now. */
const CONNECTION_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  'ENOENT',
  // PostgreSQL: shutting down, crashed, starting up, a replica, ended for being idle.
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25006',
  // PgBouncer: no server of its own to lend.
  '08P01',
  '08006',
]);
/** PostgreSQL is there and cannot do this now: too many connections, lock and statement timeouts. */
const BUSY_CODES = new Set(['53300', '55P03', '57014', '25P03']);

/** Disks and tables that take no more: Linux, and PostgreSQL's disk_full. */
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', '53100']);

/** Whether an error says that the database was not reached, rather than something about the statement. */
export function isConnectionError(thrown: unknown): boolean {
  return CONNECTION_CODES.has(codeOf(thrown));
}

/** Whether an error says that the server which should be the primary is a replica. */
export function isReplicaError(thrown: unknown): boolean {
  return codeOf(thrown) === '25006';
}

/** The error's code; drizzle wraps driver errors. */
function codeOf(thrown: unknown): string {
  const outer = thrown as { code?: unknown; routine?: unknown; cause?: unknown } | null;
  const error = outer?.code === undefined ? (outer?.cause as typeof outer) : outer;
  // A replica refuses "begin read write" ("cannot set transaction read-write mode during recovery") by the check of a
  // setting, with the code of whatever is not supported.
  if (error?.code === '0A000' && error.routine === 'call_bool_check_hook') return '25006';
  return String(error?.code ?? '');
}

/** Turns what PostgreSQL, Fastify or a bug threw into an {@link AppError}; unknown things become a bare 500. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown as {
    code?: string;
    statusCode?: number;
    validation?: AjvError[];
    validationContext?: string;
    message?: string;
    constraint_name?: string;
    table_name?: string;
  };
  if (error?.validation) {
    const details = validationDetails(error.validation, error.validationContext ?? 'body');
    return new AppError(
      400,
      'VALIDATION_ERROR',
      `The ${error.validationContext ?? 'request'} is not valid.`,
      { details, cause: thrown },
    );
  }
  const code = codeOf(thrown);
  if (CONNECTION_CODES.has(code) || BUSY_CODES.has(code)) {
    return new AppError(503, 'DATABASE_ERROR', 'The database does not answer just now. Please try again.', {
      retryAfter: 2,
      cause: thrown,
    });
  }
  if (FULL_CODES.has(code)) {
    return new AppError(
      507,
      'STORAGE_FULL',
      'The disk is full. Nothing can be stored until there is room again.',
      {
        retryAfter: 30,
        cause: thrown,
      },
    );
  }
  // Class 22 is about the value given, but for a division of ours by zero.
  switch (/^22(?!012)...$/.test(code) ? '54000' : code) {
    case '23505':
      // A unique index on what people call things by is `<table>_name` in every service.
      return new AppError(409, 'RESOURCE_ALREADY_EXISTS', 'Something with these values exists already.', {
        ...(error.table_name && error.constraint_name === `${error.table_name}_name`
          ? { details: [{ field: 'name', code: 'taken', message: 'belongs to another one already' }] }
          : {}),
        cause: thrown,
      });
    case '23503':
      return new AppError(
        409,
        'RESOURCE_CONFLICT',
        'Something that this refers to does not exist, or something refers to this.',
        { cause: thrown },
      );
    case '54000':
      return new AppError(400, 'INVALID_INPUT', 'A value cannot be stored as it is.', {
        details: [
          { field: 'request', code: 'wrong_form', message: 'has a value out of range or of a wrong form' },
        ],
        cause: thrown,
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return new AppError(
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'This content type is not taken here; send application/json.',
        {
          details: [{ field: 'content-type', code: 'unknown_value', message: 'is not supported' }],
          cause: thrown,
        },
      );
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
      return new AppError(413, 'PAYLOAD_TOO_LARGE', 'The request is larger than allowed.', {
        details: [{ field: 'body', code: 'too_large', message: 'is too large' }],
        cause: thrown,
      });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError(400, 'INVALID_INPUT', 'The body is not valid JSON.', {
        details: [{ field: 'body', code: 'unreadable', message: 'is not valid JSON' }],
        cause: thrown,
      });
  }
  if (typeof error?.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500) {
    return new AppError(error.statusCode, 'INVALID_INPUT', error.message ?? 'The request is not valid.', {
      details: [{ field: 'request', code: 'not_valid', message: error.message ?? 'is not valid' }],
      cause: thrown,
    });
  }
  return new AppError(500, 'INTERNAL_ERROR', 'Something went wrong on our side.', { cause: thrown });
}
