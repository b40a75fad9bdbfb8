import { TextRefused } from '@psa/contracts/ports/search';
import { invalid, unavailable } from '@psa/service-kit/errors';

/** A text that cannot be looked for is the caller's: no breaker opens for others. */
export function refused(error: unknown): never {
  if (error instanceof TextRefused)
    throw invalid({
      field: 'q',
      code: 'not_valid',
      message: 'cannot be searched for; try other or fewer words',
    });
  throw unavailable('The search does not answer just now.', 2, error);
}
