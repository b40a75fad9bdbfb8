/**
 * Sizes and counts that more than one part must agree on: services, the gateway, HAProxy, the portals. Free of
 * TypeBox, so that a browser loads the figures without the schemas.
 */
export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** Largest attachment, bytes. */
export const MAX_ATTACHMENT_BYTES = 25 * MIB;
/** Largest calendar file that holidays are read from, bytes. */
export const MAX_ICS_BYTES = 5 * MIB;
/** Largest picture that a page fetches unasked to show it small, bytes. */
export const MAX_THUMBNAIL_BYTES = 5 * MIB;
/** Bytes that attachments may take until the desk's settings say otherwise: of a tenant, and of each of its customers. */
export const ATTACHMENT_QUOTA_BYTES = { tenant: 20 * GIB, customer: 2 * GIB } as const;
/** So long the bytes of a removed file stay in the store, for an operator who must bring one back. Nobody sees them. */
export const REMOVED_FILES_KEPT_DAYS = 30;
/** Texts of a ticket that came back, in one event, bytes; a single longer one goes by itself. */
export const RESTORED_TEXTS_BYTES = 256 * 1024;
/** Largest CSV file, bytes. */
export const MAX_CSV_BYTES = 10 * MIB;
/** Form fields and part headers beside a file, bytes. */
export const FORM_OVERHEAD_BYTES = 64 * KIB;

/** Largest JSON body of a route without a limit of its own (`bodyLimitOf`), bytes. */
export const JSON_BODY_BYTES = MIB;
/** Deeper nesting than any request needs. */
export const MAX_JSON_DEPTH = 20;
/** Ids that travel between the services to say "of these": the smaller side travels. */
export const MOST_IDS = 5_000;
/** Sizes of a list of synonyms: its groups, the expressions of each, the words and letters of these. */
export const SYNONYM_LIMITS = { groups: 500, expressions: 20, words: 4, letters: 60 } as const;
/** Rows of a page of a list. */
export const PAGE_ROWS = { usual: 20, most: 100 } as const;

/** Fewest characters of a password: code points of its NFKC form. */
export const MIN_PASSWORD_LENGTH = 12;
/** Most of them: generous, and small enough that hashing cannot be used to burn our time. */
export const MAX_PASSWORD_LENGTH = 128;
