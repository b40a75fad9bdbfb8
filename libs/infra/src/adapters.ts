import { RabbitBus } from './bus/rabbitmq-bus.ts';
import { RedisCache, type RedisSettings, redisSource } from './cache/redis-cache.ts';
import { DiskFileStore } from './files/disk-file-store.ts';
import { FILES_SCHEMA, PostgresFileStore } from './files/postgres-file-store.ts';
import type { AdapterLog } from './log.ts';
import { LogMailer } from './mail/log-mailer.ts';
import { SmtpMailer } from './mail/smtp-mailer.ts';
import { ElasticsearchSearch } from './search/elasticsearch-search.ts';
import { PostgresSearch } from './search/postgres-search.ts';

/** The settings that choose the adapters (a part of service-kit's `ServiceEnv`). */
interface AdapterSettings extends RedisSettings {
  readonly DATABASE_URL: string;
  readonly DATABASE_READ_URL: string;
  readonly DATABASE_PREPARE: boolean;
  readonly RABBITMQ_URL: string;
  readonly SMTP_URL: string;
  readonly MAIL_FROM: string;
  readonly FILES_DIR: string;
  readonly FILES_DATABASE_URL: string;
  readonly SEARCH_DRIVER: 'postgres' | 'elasticsearch';
  readonly ELASTICSEARCH_URL: string;
}

/** What an adapter is made for: to serve, or only to be asked whether it is there. Then it makes and removes nothing. */
type Purpose = 'serve' | 'ask';

/** The real adapters of a service that runs by itself: RabbitMQ, Redis, SMTP, disk or PostgreSQL, PostgreSQL or Elasticsearch. */
export const adapters = {
  // Not waited for: a service listens before its broker is there, and its consumers wait.
  bus: (env: AdapterSettings, log: AdapterLog) =>
    RabbitBus.connect({ url: env.RABBITMQ_URL.split(','), log }, 0),
  cache: (env: AdapterSettings, log: AdapterLog) => new RedisCache({ ...redisSource(env), log }),
  mailer: (env: AdapterSettings, log: AdapterLog) =>
    env.SMTP_URL ? new SmtpMailer({ url: env.SMTP_URL, from: env.MAIL_FROM }) : new LogMailer({ log }),
  async files(env: AdapterSettings, log: AdapterLog, purpose: Purpose = 'serve') {
    if (env.FILES_DIR) {
      const store = new DiskFileStore({ folder: env.FILES_DIR });
      if (purpose === 'serve') await store.prepare();
      return store;
    }
    // Replicas on several nodes share files through the database; the migrations make its tables.
    const store = new PostgresFileStore({
      url: env.FILES_DATABASE_URL || env.DATABASE_URL,
      prepare: env.DATABASE_PREPARE,
      schema: FILES_SCHEMA,
    });
    // Not waited for: a service starts without its database, too.
    if (env.FILES_DATABASE_URL && purpose === 'serve')
      void store.prepare().catch((error: Error) => log.warn(`Files in the database: ${error.message}`));
    return store;
  },
  searchIndex(env: AdapterSettings, log: AdapterLog, service: string, purpose: Purpose = 'serve') {
    // Each service is given every port; only this one may make the index.
    if (env.SEARCH_DRIVER === 'postgres' || service !== 'search')
      return new PostgresSearch({
        url: env.DATABASE_URL,
        prepare: env.DATABASE_PREPARE,
        readUrl: env.DATABASE_READ_URL,
      });
    if (!env.ELASTICSEARCH_URL)
      throw new Error('SEARCH_DRIVER is elasticsearch: ELASTICSEARCH_URL is required.');
    const index = new ElasticsearchSearch({ url: env.ELASTICSEARCH_URL });
    // Not waited for: who asks is told that the search does not answer, and events wait for it.
    if (purpose === 'serve') void index.prepareWhenThere(log);
    return index;
  },
};
