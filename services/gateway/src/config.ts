import Type, { type Static } from 'typebox';

/** Settings of a gateway that runs by itself. */
export const GatewayEnv = Type.Object({
  HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535 }),
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
    description: 'replicas: auth=http://10.0.20.11:3001|http://10.0.20.12:3001,crm=…; else UPSTREAM_URL',
  }),
  UPSTREAM_URL: Type.String({
    default: 'http://{service}:3000',
    description: '{service} becomes the name of the service',
  }),
  UPSTREAM_TIMEOUT_MS: Type.Integer({ default: 30_000, minimum: 100 }),
  TRUSTED_PROXIES: Type.String({ default: '', description: 'addresses and networks, by comma' }),
  PORTAL_TECHNICIAN: Type.String({ default: 'portals/technician/dist' }),
  PORTAL_CUSTOMER: Type.String({ default: 'portals/customer/dist' }),
  PSA_METRICS_TOKEN: Type.String({ default: '' }),
  RATE_ANONYMOUS_PER_MINUTE: Type.Integer({ default: 100, minimum: 1 }),
  RATE_STANDARD_PER_HOUR: Type.Integer({ default: 1_000, minimum: 1 }),
  RATE_PROFESSIONAL_PER_HOUR: Type.Integer({ default: 5_000, minimum: 1 }),
  RATE_ENTERPRISE_PER_HOUR: Type.Integer({ default: 10_000, minimum: 1 }),
  LOG_LEVEL: Type.String({ default: 'info' }),
  VERSION: Type.String({ default: '0.0.0' }),
});
export type GatewayEnv = Static<typeof GatewayEnv>;

const list = (text: string, separator: string) =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Addresses by service out of `UPSTREAMS`. @throws on an entry of another form */
export function parseUpstreams(text: string): Map<string, string[]> {
  return new Map(
    list(text, ',').map((entry) => {
      const [, name, addresses] = /^([a-z-]+)=(https?:\/\/.+)$/.exec(entry) ?? [];
      if (!name || !addresses)
        throw new Error(`UPSTREAMS: "${entry}" is not of the form name=http://address.`);
      return [name, list(addresses, '|')];
    }),
  );
}

export const parseList = (text: string) => list(text, ',');
