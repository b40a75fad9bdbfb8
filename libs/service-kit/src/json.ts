import type { BodyLimit } from '@psa/contracts/body-limits';
import type { DetailCode } from '@psa/contracts/detail-codes';
import { MAX_JSON_DEPTH } from '@psa/contracts/limits';
import { AppError } from './errors.ts';

const problem = (
  code: DetailCode,
  message: string,
  options: { field?: string; cause?: unknown; status?: 400 | 413; values?: { most: number } } = {},
) => {
  const { field = 'body', cause, status = 400, values } = options;
  const details = [{ field, code, message, ...(values && { values }) }];
  const of = status === 413 ? 'PAYLOAD_TOO_LARGE' : 'INVALID_INPUT';
  return new AppError(status, of, `The body ${message}.`, { details, cause });
};

/**
 * Parses a JSON body. Refuses, naming `body`: what is not JSON, nests deeper than {@link MAX_JSON_DEPTH}, has more
 * values than `most` (413), or carries `__proto__` keys (prototype poisoning); and, naming its field, text with half a
 * character (`\ud800`), which no UTF-8, or with NUL, which no PostgreSQL can hold.
 */
export function parseJson(text: string, most: BodyLimit['values']): unknown {
  if (text.trim() === '') throw problem('empty', 'is empty');
  checkShape(text, most);
  let poisoned = false;
  let value: unknown;
  try {
    value = JSON.parse(
      text,
      text.includes('proto') || text.includes('constructor') || text.includes('\\u')
        ? (key, inner) => {
            if (key === '__proto__' || (key === 'constructor' && typeof inner === 'object')) poisoned = true;
            return inner;
          }
        : undefined,
    );
  } catch (error) {
    throw problem('unreadable', 'is not valid JSON', { cause: error });
  }
  if (poisoned) throw problem('unknown_field', 'has a key that is not allowed');
  if (text.includes('\\u')) {
    const bad = unstorable(value, '');
    if (bad) throw problem('wrong_form', bad.message, { field: bad.field || 'body' });
  }
  return value;
}

/** What a text has that cannot be stored; null: nothing. */
export function unstorableText(text: string): string | null {
  if (!text.isWellFormed()) return 'has text that is not valid Unicode';
  return text.includes('\0') ? 'has a NUL character' : null;
}

/** The first text of a value that cannot be stored, and its field in the form `a[0].b`. */
function unstorable(value: unknown, field: string): { field: string; message: string } | null {
  if (typeof value === 'string') {
    const message = unstorableText(value);
    return message === null ? null : { field, message };
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const wrong = Array.isArray(value) ? null : unstorableText(key);
    // Such a key cannot be named: neither can an answer hold it.
    if (wrong !== null) return { field, message: wrong };
    const path = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`;
    const found = unstorable(inner, path);
    if (found) return found;
  }
  return null;
}

/** Counts brackets and commas outside strings, before any value is made. @throws for too deep and too many */
function checkShape(text: string, most: number): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 92) i++;
      else if (c === 34) inString = false;
    } else if (c === 34) inString = true;
    else if (c === 44 || c === 123 || c === 91) {
      if (++values > most)
        throw problem('too_many', `has more than ${most} values`, { status: 413, values: { most } });
      if (c !== 44 && ++depth > MAX_JSON_DEPTH) {
        throw problem('too_large', `nests deeper than ${MAX_JSON_DEPTH} levels`);
      }
    } else if (c === 125 || c === 93) depth--;
  }
}
