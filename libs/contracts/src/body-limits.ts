import {
  FORM_OVERHEAD_BYTES,
  JSON_BODY_BYTES,
  KIB,
  MAX_ATTACHMENT_BYTES,
  MAX_CSV_BYTES,
  MAX_ICS_BYTES,
  MIB,
} from './limits.ts';
import { API_PREFIX, PUBLIC_ROUTES } from './services.ts';

/** What a route takes of a body before anybody looks at what it says. */
export interface BodyLimit {
  /** Largest body. */
  readonly bytes: number;
  /** Values (objects, lists, members, items) of a JSON body: parsing and checking takes time by these, not by bytes. */
  readonly values: number;
}

const ORDINARY: BodyLimit = { bytes: JSON_BODY_BYTES, values: 50_000 };
/** Whoever has not signed in fills in a form of a few lines. */
const ANONYMOUS: BodyLimit = { bytes: 16 * KIB, values: 100 };
/** Routes that take more than ordinary JSON, by their path under `/api/v1`. */
const LARGER: readonly (readonly [RegExp, BodyLimit])[] = [
  [
    /^\/tickets\/[^/]+\/(comments\/[^/]+\/)?attachments$/,
    { ...ORDINARY, bytes: MAX_ATTACHMENT_BYTES + FORM_OVERHEAD_BYTES },
  ],
  [/^\/tickets\/import$/, { bytes: 8 * MIB, values: 200_000 }],
  [/^\/calendars\/read-ics$/, { ...ORDINARY, bytes: MAX_ICS_BYTES }],
  [/^\/[a-z-]+\/import-csv$/, { ...ORDINARY, bytes: MAX_CSV_BYTES }],
];

/** The limit of a route; `path` as registered (`/api/v1/tickets/:id`) or as asked. */
export function bodyLimitOf(method: string, path: string): BodyLimit {
  if (PUBLIC_ROUTES.includes(`${method} ${path}`)) return ANONYMOUS;
  if (!path.startsWith(API_PREFIX)) return ORDINARY;
  const below = path.slice(API_PREFIX.length);
  return LARGER.find(([pattern]) => pattern.test(below))?.[1] ?? ORDINARY;
}
