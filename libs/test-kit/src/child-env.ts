/** What every program of ours is started with: the path, and the place where Node keeps what it made of our TypeScript. */
export const CHILD_ENV = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
} as const;
