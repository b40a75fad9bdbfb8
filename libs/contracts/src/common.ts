import Type, { type Static, type TSchema } from 'typebox';
import type { DetailCode } from './detail-codes.ts';
import { PAGE_ROWS } from './limits.ts';
import { MAX_TAG_LENGTH, TAG_PATTERN } from './tags.ts';

/** RFC 9562 UUID, lower case. New ids are version 7. */
export const Uuid = Type.String({ format: 'uuid', description: 'UUID' });
/** RFC 3339 instant in UTC. */
export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339 instant' });
export const DateOnly = Type.String({ format: 'date', description: 'calendar date, YYYY-MM-DD' });
/** An e-mail address as people write it; stored in one form (`@psa/service-kit/contact-forms`). */
export const Email = Type.String({ format: 'idn-email', maxLength: 320 });

/** `T | null`. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** A closed set of strings as one JSON Schema `enum` (better messages than a union of literals). */
export const StringEnum = <const T extends readonly string[]>(
  values: T,
  options: Record<string, unknown> = {},
) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options });

/** One line of text typed by a person: no control characters. */
export const Line = (maxLength: number, minLength = 1) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
/** Several lines of text; NUL is refused because PostgreSQL cannot store it. */
export const Text = (maxLength: number, minLength = 0) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\u0000]*$' });
/** Short label used as a tag; compared case-insensitively, stored lower case. */
export const Tag = Type.String({
  minLength: 1,
  maxLength: MAX_TAG_LENGTH,
  pattern: TAG_PATTERN,
});

/** What is wrong with one field of a request. */
export const ErrorDetail = Type.Object({
  field: Type.String(),
  code: Type.String({
    description: 'what is wrong, stable; all codes are in the description of this document',
  }),
  message: Type.String({ description: 'the same in English' }),
  values: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
      description: 'what a sentence of it names: the most that is allowed, say',
    }),
  ),
});
/** The one error body (BDUF §4.4). */
export const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Type.Array(ErrorDetail),
    request_id: Type.String(),
    timestamp: Timestamp,
    retry_after: Type.Optional(Type.Integer({ description: 'seconds' })),
    allowed: Type.Optional(Type.Array(Type.String())),
    reason: Type.Optional(Type.String({ description: 'of a conflict: see contracts/reasons' })),
  }),
});
export type ErrorBody = Static<typeof ErrorBody>;
export type ErrorDetail = Static<typeof ErrorDetail> & { code: DetailCode };

/** Codes of BDUF §4.4 and the few that it lacks. */
export const ERROR_CODES = [
  'INVALID_CREDENTIALS',
  'ACCOUNT_LOCKED',
  'AUTHENTICATION_REQUIRED',
  'TOKEN_EXPIRED',
  'TOKEN_INVALID',
  'CSRF_INVALID',
  'PERMISSION_DENIED',
  'VALIDATION_ERROR',
  'INVALID_INPUT',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'METHOD_NOT_ALLOWED',
  'RESOURCE_NOT_FOUND',
  'RESOURCE_ALREADY_EXISTS',
  'RESOURCE_CONFLICT',
  'TRANSITION_FORBIDDEN',
  'VERSION_CONFLICT',
  'IDEMPOTENCY_CONFLICT',
  'RATE_LIMIT_EXCEEDED',
  'EXTERNAL_SERVICE_ERROR',
  'EXTERNAL_SERVICE_TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'STORAGE_FULL',
  'QUOTA_EXCEEDED',
  'INTERNAL_ERROR',
  'DATABASE_ERROR',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Paging facts of a list. `total` is exact unless `total_relation` is `gte` (counting stopped at the cap). */
export const ListMeta = Type.Object({
  page: Type.Optional(Type.Integer()),
  limit: Type.Integer(),
  total: Type.Optional(Type.Integer()),
  total_relation: Type.Optional(StringEnum(['eq', 'gte'])),
  total_pages: Type.Optional(Type.Integer()),
  next_cursor: Type.Optional(Nullable(Type.String())),
});
export const ListLinks = Type.Object({
  self: Type.String(),
  next: Nullable(Type.String()),
  prev: Nullable(Type.String()),
  first: Type.String(),
  last: Nullable(Type.String()),
});

/** `{ data }` around one object. */
export const One = <T extends TSchema>(schema: T) => Type.Object({ data: schema });
/** `{ data, meta, links }` around a page of objects; members are partial because `fields` may thin them. */
export const Many = <T extends TSchema>(schema: T) =>
  Type.Object({ data: Type.Array(schema), meta: ListMeta, links: ListLinks });

/** Query parameters every list takes. Filters are added per list. */
export const listQuery = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_ROWS.most, default: PAGE_ROWS.usual })),
  cursor: Type.Optional(
    Type.String({ maxLength: 500, description: 'opaque; from meta.next_cursor; instead of page' }),
  ),
  sort: Type.Optional(Type.String({ maxLength: 200, pattern: '^[a-z_]+(,[a-z_]+)*$' })),
  order: Type.Optional(Type.String({ maxLength: 100, pattern: '^(asc|desc)(,(asc|desc))*$' })),
  fields: Type.Optional(Type.String({ maxLength: 500, pattern: '^[a-z_]+(,[a-z_]+)*$' })),
  include: Type.Optional(Type.String({ maxLength: 200, pattern: '^[a-z_]+(,[a-z_]+)*$' })),
  search: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\u0000]*$' })),
  count: Type.Optional(
    StringEnum(['capped', 'exact', 'none'], {
      default: 'capped',
      description: 'how far to count: up to 1,000, all, or not at all',
    }),
  ),
};

export const IdParams = Type.Object({ id: Uuid }, { additionalProperties: false });

/** Closed object: unknown fields are refused with their names. */
export const Closed = <T extends Record<string, TSchema>>(
  properties: T,
  options: Record<string, unknown> = {},
) => Type.Object(properties, { additionalProperties: false, ...options });
