/** Matches counted and paged through at most. */
export const CAP = 1_000;
/** Documents written at once. */
export const BATCH = 500;
/** Hits of an answer that get highlights; a list of 1,000 ids need not read 1,000 texts. */
export const HIGHLIGHTED = 100;
/** Words that may stand in for a mistyped one. */
export const MOST_CORRECTIONS = 8;

/** How many matches an answer tells of. */
export const counted = (total: number) => ({
  total: Math.min(total, CAP),
  total_relation: total > CAP ? ('gte' as const) : ('eq' as const),
});
