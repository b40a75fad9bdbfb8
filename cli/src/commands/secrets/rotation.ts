/** How a secret gets another value. */
interface Rotation {
  /** `new`: psactl makes one. `given`: people bring it. `no`: not by a new value alone. */
  readonly by: 'new' | 'given' | 'no';
  readonly what: string;
  /** Why not, and the way that there is. */
  readonly way?: string;
}

/** Every secret that an appliance may have. */
const ROTATIONS: Readonly<Record<string, Rotation>> = {
  metrics_token: { by: 'new', what: 'Prometheus at the gateway' },
  patroni_rest: { by: 'new', what: 'changes by the REST API of Patroni' },
  mail_password: { by: 'given', what: 'login at the mail server' },
  chat_webhook: { by: 'given', what: 'webhook of the chat for alerts' },
  tls_pem: {
    by: 'no',
    what: 'certificate, chain and key of the edge',
    way: 'Use "psactl certs renew" or "psactl certs install".',
  },
  field_key: {
    by: 'no',
    what: 'encrypts credentials in the database',
    way: 'What is encrypted with it could not be read any more. It stays, and belongs into every backup.',
  },
  postgres_superuser: {
    by: 'no',
    what: 'superuser of PostgreSQL',
    way: 'The role keeps its password while the file gets another. Change the role first: ALTER ROLE postgres PASSWORD …',
  },
  postgres_replication: {
    by: 'no',
    what: 'replication of PostgreSQL',
    way: 'The replicas would lose the primary. Change the role first: ALTER ROLE replicator PASSWORD …',
  },
  postgres_rewind: {
    by: 'no',
    what: 'pg_rewind after a failover',
    way: 'Change the role first: ALTER ROLE rewinder PASSWORD …',
  },
  postgres_pgbouncer: {
    by: 'no',
    what: "PgBouncer's own role",
    way: 'Nobody could sign in through PgBouncer until the role has it, too.',
  },
  postgres_roles: {
    by: 'no',
    what: "the services' roles in PostgreSQL",
    way: 'The services would be locked out until the roles have it, too.',
  },
  rabbitmq_cookie: {
    by: 'no',
    what: "the members' bond in RabbitMQ",
    way: 'Members with different cookies refuse each other; all would have to stop at once.',
  },
  rabbitmq_user: {
    by: 'no',
    what: "the services' user in RabbitMQ",
    way: 'Its file counts for a new cluster only. In a running one: rabbitmqctl change_password psa …',
  },
  redis: {
    by: 'no',
    what: 'Redis and its Sentinels',
    way: 'Members with different passwords stop replicating; all would have to change at once.',
  },
};

export const rotationOf = (name: string): Rotation => ROTATIONS[name] ?? { by: 'no', what: '' };
