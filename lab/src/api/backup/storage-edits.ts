import { failure } from '../errors.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const permission = needs('/storage', ['Datastore.Allocate']);

/** Storages of a lab are those of its inventory: they cannot be made, changed or taken away by the API. */
export const STORAGE_EDIT_ROUTES: readonly Route[] = (
  [
    ['POST', '/storage'],
    ['PUT', '/storage/{storage}'],
    ['DELETE', '/storage/{storage}'],
  ] as const
).map(([method, path]) => ({ method, path, permission, handler: refuse }));

function refuse({ lab, node }: RequestContext): never {
  if (!lab.membership.isQuorate(node)) throw failure("cfs-lock 'file-storage_cfg' error: no quorum!");
  throw failure('the storages of a lab follow from its inventory - change it and bring the lab up anew');
}
