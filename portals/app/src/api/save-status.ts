import type { SaveStatus } from '@psa/ui/components/states';
import { ApiError } from './error.ts';

/** The state of a TanStack mutation as a SaveStatus. */
export function saveStatusOf(mutation: {
  status: 'idle' | 'pending' | 'success' | 'error';
  error: unknown;
}): SaveStatus {
  if (mutation.status === 'pending') return 'saving';
  if (mutation.status === 'success') return 'saved';
  if (mutation.status === 'idle') return 'idle';
  return mutation.error instanceof ApiError && mutation.error.unreachable ? 'offline' : 'failed';
}
