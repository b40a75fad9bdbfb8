import type { Priority } from '@psa/app/api/types';

/** Longest title, description and reply, as in the contract. */
export const MAX_TITLE = 200;
export const MAX_TEXT = 50_000;
export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Priority[];
