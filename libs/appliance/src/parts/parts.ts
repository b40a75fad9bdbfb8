import { haproxy } from './haproxy.ts';
import { monitoring } from './monitoring.ts';
import { ops } from './ops.ts';
import type { Part, Parts } from './part.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';

const PARTS: Parts = { postgres, rabbitmq, redis, haproxy, monitoring, ops };

/** The data parts, by name. */
export const dataParts = (): Parts => PARTS;

/** The data part of that name; null: it is a service's, or nobody's. */
export const partOf = (name: string): Part | null =>
  (dataParts() as Readonly<Record<string, Part>>)[name] ?? null;
