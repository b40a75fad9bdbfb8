import { resolve } from 'node:path';
import { DEFAULT_LIMITS } from '@psa/gateway/rate-limit';
import { ConfigError, loadConfig } from '@psa/service-kit/config';
import Type, { type Static } from 'typebox';

const Env = Type.Object({
  PORT: Type.Integer({ default: 3000, minimum: 1, maximum: 65535 }),
  HOST: Type.String({ default: '127.0.0.1' }),
  PSA_DATA_DIR: Type.String({ default: '.psa' }),
  PSA_DEMO: Type.Optional(Type.Union([Type.Literal('0'), Type.Literal('1')])),
  PSA_DEMO_PASSWORD: Type.Optional(Type.String({ maxLength: 256 })),
  PSA_LOG: Type.Union([Type.Literal('file'), Type.Literal('stdout')], { default: 'file' }),
  LOG_LEVEL: Type.String({ default: 'info', pattern: '^(trace|debug|info|warn|error|fatal|silent)$' }),
  PUBLIC_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  PSA_METRICS_TOKEN: Type.String({ default: '' }),
  TRUSTED_PROXIES: Type.String({ default: '' }),
  SMTP_URL: Type.String({ default: '' }),
  MAIL_FROM: Type.String({ default: 'psa@localhost' }),
  RATE_ANONYMOUS_PER_MINUTE: Type.Integer({ default: DEFAULT_LIMITS.anonymousPerMinute, minimum: 1 }),
  RATE_STANDARD_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.standardPerHour, minimum: 1 }),
  RATE_PROFESSIONAL_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.professionalPerHour, minimum: 1 }),
  RATE_ENTERPRISE_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.enterprisePerHour, minimum: 1 }),
  RATE_READING_PER_HOUR: Type.Integer({ default: DEFAULT_LIMITS.readingPerHour, minimum: 1 }),
});

/** What the whole platform in one process can be told. */
export type Settings = Omit<Static<typeof Env>, 'PUBLIC_URL'> & {
  /** Absolute. */
  readonly PSA_DATA_DIR: string;
  readonly PUBLIC_URL: string;
};

/** What to write instead, for the settings that people set by hand. */
const HINTS: readonly [RegExp, string][] = [
  [/^\s*PORT:/m, 'PORT must be a number from 1 to 65535, for example: PORT=3100 npm start'],
  [/^\s*PSA_DEMO:/m, 'PSA_DEMO must be 0 (start empty) or 1 (with demo data).'],
  [/^\s*PSA_LOG:/m, 'PSA_LOG must be file or stdout.'],
];

/** Reads the settings. @throws ConfigError that says what is wrong and what to write instead */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  try {
    const read = loadConfig(Env, env);
    return {
      ...read,
      PSA_DATA_DIR: resolve(read.PSA_DATA_DIR),
      PUBLIC_URL: read.PUBLIC_URL ?? `http://${hostForUrl(read.HOST)}:${read.PORT}`,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const hints = HINTS.filter(([pattern]) => pattern.test(error.message)).map(([, hint]) => hint);
    const given = env.PORT && hints[0]?.startsWith('PORT') ? `PORT is "${env.PORT}". ` : '';
    throw new ConfigError(hints.length > 0 ? given + hints.join('\n') : error.message);
  }
}

const hostForUrl = (host: string) =>
  host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
