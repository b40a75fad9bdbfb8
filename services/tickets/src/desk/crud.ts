import type { App } from '@psa/service-kit/app';
import { emit } from '@psa/service-kit/outbox';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import { type TableResource, type TableSchemas, tableResource } from '@psa/service-kit/table-resource';
import type { TicketsDeps } from '../deps.ts';
import { withLookups } from '../people/lookup.ts';
import { touchSettings } from './settings.ts';

/** Who sees and who changes settings of the desk. */
export const settings = {
  view: 'desk:view',
  create: 'desk:manage',
  update: 'desk:manage',
  remove: 'desk:manage',
} as const;
export const byName = {
  sortable: { name: { sql: 'r.name', type: 'text' } },
  defaultSort: [['name', 'asc']],
} as const;

/** A setting of the desk. */
interface DeskResource<S extends TableSchemas>
  extends Omit<TableResource<S>, 'noun' | 'changed' | 'around' | 'tags'> {
  /** `sla_policy`; as events call it. */
  readonly object: string;
  /** False: not a setting that tickets are computed with, and of no interest to others. */
  readonly shared?: boolean;
}

/**
 * A setting of the desk, typed by its schemas; what comes back registers its list, get, create, update and delete. A
 * change of it moves the desk's revision on.
 */
export const deskResource =
  <S extends TableSchemas>(resource: DeskResource<S>) =>
  (app: App, deps: TicketsDeps): void => {
    const { object, shared = true } = resource;
    const table = tableResource<S>(deps, {
      ...resource,
      noun: object.replaceAll('_', ' '),
      tags: ['desk'],
      around: (ctx, work) => withLookups(deps, ctx, work),
      async changed(tx, ctx, id, change) {
        if (!shared) return;
        await touchSettings(tx, ctx.scope.tenant_id);
        await emit(deps, tx, ctx, [
          {
            type: 'desk.changed.v1',
            aggregate: { type: object, id },
            data: { object, id, change },
            public: false,
          },
        ]);
      },
    });
    resourceRoutes(app, deps, table);
  };
