import { AppError } from './errors.ts';

/** Deeper nesting than any request needs; deeper documents cost stack and time in validators. */
export const MAX_JSON_DEPTH = 20;

/**
 * Parses a JSON body. Refuses (400, naming `body`) what is not JSON, nests deeper than
 * {@link MAX_JSON_DEPTH}, or carries `__proto__` keys (prototype poisoning); and, naming its field, text with half
 * a character (`\ud800`), which no UTF-8 and so no database can hold.
 */
export function parseJson(text: string): unknown {
  const problem = (message: string, cause?: unknown, field = 'body') =>
    new AppError(400, 'INVALID_INPUT', `The body ${message}.`, {
      details: [{ field, message }],
      cause,
    });
  if (text.trim() === '') throw problem('is empty');
  if (depthOf(text) > MAX_JSON_DEPTH) throw problem(`nests deeper than ${MAX_JSON_DEPTH} levels`);
  let poisoned = false;
  let broken: string | undefined;
  let value: unknown;
  try {
    const suspicious = text.includes('proto') || text.includes('constructor') || text.includes('\\u');
    value = JSON.parse(
      text,
      suspicious
        ? (key, inner) => {
            if (!key.isWellFormed()) broken ??= 'body';
            else if (typeof inner === 'string' && !inner.isWellFormed()) broken ??= key;
            if (key === '__proto__' || (key === 'constructor' && typeof inner === 'object')) poisoned = true;
            return inner;
          }
        : undefined,
    );
  } catch (error) {
    throw problem('is not valid JSON', error);
  }
  if (poisoned) throw problem('has a key that is not allowed');
  if (broken !== undefined) {
    // In a list the key is a number, which names nothing by itself.
    throw problem('has text that is not valid Unicode', undefined, /^\d*$/.test(broken) ? 'body' : broken);
  }
  return value;
}

/** Deepest nesting of brackets outside strings, stopping early past the limit. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 92) i++;
      else if (c === 34) inString = false;
    } else if (c === 34) inString = true;
    else if (c === 123 || c === 91) {
      if (++depth > deepest && (deepest = depth) > MAX_JSON_DEPTH) return deepest;
    } else if (c === 125 || c === 93) depth--;
  }
  return deepest;
}
