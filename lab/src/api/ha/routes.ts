import type { Route } from '../route.ts';
import { HA_RESOURCE_ROUTES } from './resources.ts';
import { HA_RULE_ROUTES } from './rules.ts';
import { HA_STATUS_ROUTES } from './status.ts';

/** `/cluster/ha`: resources, rules, status. */
export const HA_ROUTES: readonly Route[] = [...HA_STATUS_ROUTES, ...HA_RESOURCE_ROUTES, ...HA_RULE_ROUTES];
