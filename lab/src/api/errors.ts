import type { FieldErrors } from '@psa/proxmox/schema/check';

/** An answer of the API that is no success: status, reason phrase, and the fields that were wrong. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly errors: FieldErrors | null;
  /** Whether the body stays empty, as it does for 401 and 595. */
  readonly isBare: boolean;

  constructor(
    status: number,
    reason: string,
    options: { readonly errors?: FieldErrors; readonly isBare?: boolean } = {},
  ) {
    super(reason);
    this.status = status;
    this.errors = options.errors ?? null;
    this.isBare = options.isBare ?? false;
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

/** A node that cannot be reached from the one that was asked. */
export const unreachable = (): ApiError => new ApiError(595, 'No route to host', { isBare: true });
