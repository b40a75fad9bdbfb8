import { AppError } from '@psa/service-kit/errors';

/** 404 for an id in the body that names nothing the caller may see; says which field. */
export const noSuch = (what: string, field: string) =>
  new AppError(404, 'RESOURCE_NOT_FOUND', `There is no such ${what}.`, {
    details: [{ field, code: 'not_found', message: `names no ${what}` }],
  });
