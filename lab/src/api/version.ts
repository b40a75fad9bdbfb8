/** The release whose API the lab speaks. */
export const VERSION = { version: '9.1.1', release: '9.1', repoid: '42db4a6cf33dac83' } as const;
