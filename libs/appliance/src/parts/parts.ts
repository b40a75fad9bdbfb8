import type { Data } from '../inventory/schema.ts';
import { haproxy } from './haproxy.ts';
import { monitoring } from './monitoring.ts';
import type { Part } from './part.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';

/** The data parts, by name; a function, because some of them ask for the others. */
export const dataParts = (): Readonly<Record<keyof Data, Part>> => ({
  ...{ postgres, rabbitmq, redis, haproxy, monitoring },
});

/** The data part of that name; null: it is a service's, or nobody's. */
export const partOf = (name: string): Part | null =>
  (dataParts() as Readonly<Record<string, Part>>)[name] ?? null;
