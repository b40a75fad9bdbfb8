import type { Route } from './route.ts';

/** Every route of the lab's API. */
export const ROUTES: readonly Route[] = [];
