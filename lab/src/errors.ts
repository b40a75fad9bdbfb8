import type { FieldErrors } from '@psa/proxmox/schema/check';

/** An answer of the API that is no success: status, reason phrase, and the fields that were wrong. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly errors: FieldErrors | null;
  /** How the body is: JSON, nothing (as for 401 and 595), or the text itself (refused before any route was looked for). */
  readonly body: 'json' | 'none' | 'text';

  constructor(
    status: number,
    reason: string,
    options: { readonly errors?: FieldErrors; readonly body?: 'json' | 'none' | 'text' } = {},
  ) {
    super(reason);
    this.status = status;
    this.errors = options.errors ?? null;
    this.body = options.body ?? 'json';
  }
}

/** What `die` of a handler becomes: status 500, the text as reason. */
export const failure = (reason: string): ApiError => new ApiError(500, reason);

/** A parameter that the schema let through and the handler does not. */
export const badParameter = (errors: FieldErrors): ApiError =>
  new ApiError(400, 'Parameter verification failed.', { errors });

/** A right is missing. */
export const denied = (what?: string): ApiError =>
  new ApiError(403, what === undefined ? 'Permission check failed' : `Permission check failed (${what})`);

/** Figures of what no node has ever told any: `pve-vm-9.0/101`. */
export const noFigures = (what: string): ApiError =>
  failure(
    `RRD error: rrdcached@unix:/var/run/rrdcached.sock: rrd_fetch_r failed: opening '/var/lib/rrdcached/db/${what}': No such file or directory`,
  );

/** A node that cannot be reached from the one that was asked. */
export const unreachable = (): ApiError => new ApiError(595, 'No route to host', { body: 'none' });

/** Refused by the server itself: plain text, and the connection is closed. */
export const refusedByServer = (status: number, reason: string): ApiError =>
  new ApiError(status, reason, { body: 'text' });

/** An error whose status has become part of its text, as where Proxmox VE throws it on as plain words. */
export function plain(error: unknown): ApiError {
  if (!(error instanceof ApiError)) return failure((error as Error).message);
  const head = error.status === 500 ? '' : `${error.status} `;
  const lines = Object.entries(error.errors ?? {}).map(([field, text]) => `\n${field}: ${text}`);
  return failure(`${head}${error.message}${lines.join('')}`);
}

/** What an error is called where the name of the work stands before it. */
export const under = (what: string, error: unknown): ApiError => failure(`${what}: ${plain(error).message}`);
