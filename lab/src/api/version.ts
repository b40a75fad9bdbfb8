/** The release whose API the lab speaks. */
export const VERSION = { version: '9.2.11', release: '9.2', repoid: '4a1a1c0aa1d5bbcd' } as const;
