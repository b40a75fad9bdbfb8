import { SERVICE_PORT } from '@psa/contracts/services';
import Type, { type Static } from 'typebox';
import { DEFAULT_LIMITS } from './rate-limit.ts';

/** Settings of a gateway that runs by itself. */
export const GatewayEnv = Type.Object({
  HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ default: SERVICE_PORT, minimum: 0, maximum: 65535 }),
  REDIS_URL: Type.String({ default: '', description: 'one server; or REDIS_SENTINELS' }),
  REDIS_SENTINELS: Type.String({
    default: '',
    description: 'host:port,…: the Sentinels that know which server is the master',
  }),
  REDIS_MASTER: Type.String({ default: 'psa', description: 'what the Sentinels call the master' }),
  REDIS_PASSWORD: Type.String({ default: '', description: 'of the servers behind the Sentinels' }),
  PUBLIC_URL: Type.String({ pattern: '^https?://', default: 'http://127.0.0.1:3000' }),
  UPSTREAMS: Type.String({
    default: '',
    description: 'auth=http://10.0.40.10:3001,crm=…: services that UPSTREAM_URL does not fit',
  }),
  UPSTREAM_URL: Type.String({
    default: `http://{service}:${SERVICE_PORT}`,
    description: '{service} becomes the name of the service',
  }),
  UPSTREAM_TIMEOUT_MS: Type.Integer({ default: 30_000, minimum: 100 }),
  TRUSTED_PROXIES: Type.String({ default: '', description: 'addresses and networks, by comma' }),
  PORTAL_TECHNICIAN: Type.String({ default: 'portals/technician/dist' }),
  PORTAL_CUSTOMER: Type.String({ default: 'portals/customer/dist' }),
  PSA_METRICS_TOKEN: Type.String({ default: '' }),
  RATE_ANONYMOUS_PER_MINUTE: Type.Integer({ default: DEFAULT_LIMITS.anonymousPerMinute, minimum: 1 }),
  RATE_STANDARD_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.standardPerHour, minimum: 1 }),
  RATE_PROFESSIONAL_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.professionalPerHour, minimum: 1 }),
  RATE_ENTERPRISE_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.enterprisePerHour, minimum: 1 }),
  RATE_READING_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.readingPerHour, minimum: 1 }),
  LOG_LEVEL: Type.String({ default: 'info' }),
  VERSION: Type.String({ default: '0.0.0' }),
});
export type GatewayEnv = Static<typeof GatewayEnv>;

/** The entries of a list separated by commas. */
export const parseList = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
