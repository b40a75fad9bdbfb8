import type { ErrorBody } from '@psa/contracts/common';
import { CliError, type Outcome } from '../errors.ts';

/** An answer of the platform that says no. */
export class ApiError extends CliError {
  readonly status: number;

  constructor(action: string, status: number, body: ErrorBody['error'] | null) {
    super(`Unable to ${action}: the platform answered ${status}${body ? ` (${body.code})` : ''}.`, {
      outcome: outcomeOf(status),
      code: body?.code ?? `HTTP_${status}`,
      why: body ? `${body.message} [request ${body.request_id}]` : undefined,
      fix: fixOf(status, body?.code),
      details: body?.details ?? [],
    });
    this.status = status;
  }
}

function outcomeOf(status: number): Outcome {
  if (status === 401 || status === 403) return 'not_authorised';
  if (status === 404) return 'not_found';
  return status === 423 ? 'locked' : 'failed';
}

function fixOf(status: number, code: string | undefined): string | undefined {
  if (code === 'ACCOUNT_LOCKED')
    return 'Wait until the lock ends, or have an administrator set a new password.';
  if (status === 401) return 'Check PSA_API_KEY, or PSA_EMAIL and PSA_PASSWORD, or run: psactl login';
  if (status === 403) return 'Sign in with an account whose role may do this.';
  if (status === 429) return 'Wait, then run it again.';
  if (status >= 500) return 'Run it again; if it stays, look at "psactl status" and the log of the platform.';
  return undefined;
}

/** The platform's error body, if this is one. */
export function errorBodyOf(value: unknown): ErrorBody['error'] | null {
  const error = (value as Partial<ErrorBody> | null)?.error;
  return typeof error?.code === 'string' && typeof error.message === 'string' ? error : null;
}

/** True when the platform said that this is not who it claims to be. */
export const isUnauthorised = (error: unknown) =>
  error instanceof CliError &&
  (error.outcome === 'not_authorised' || (error instanceof ApiError && error.status === 401));
