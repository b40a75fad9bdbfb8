import type { Service } from '../inventory/schema.ts';
import { type Contents, type Place, secretFile } from '../parts/part.ts';
import { rabbitmq } from '../parts/rabbitmq.ts';
import { REDIS_MASTER, redis } from '../parts/redis.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { secretOf } from './secret.ts';

/** A service of the platform: its settings. The program comes with the release. */
export function serviceContents(place: Place, service: Service): Contents {
  const path = `/etc/psa/${service.name}.env`;
  const settings = {
    ...commonSettings(place, service),
    ...(service.name === 'gateway' ? gatewaySettings(place) : ownSettings(place, service)),
    ...service.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}`);
  return {
    files: [secretFile(path, `# ${RENDERED}\n${lines.join('\n')}\n`)],
    units: [{ name: `psa@${service.name}.service`, onChange: 'restart', paths: [path] }],
  };
}

type Settings = Record<string, string>;

/** As systemd reads it: plain values as they are, others in quotes. */
const quoted = (value: string) =>
  /^[\w.:/@=,|+~%?&-]*$/.test(value) ? value : `"${value.replace(/["\\$`]/g, '\\$&')}"`;

function commonSettings({ inventory, secrets, of }: Place, service: Service): Settings {
  const sentinels = of('redis').map((one) => `${one.address}:${redis.ports.sentinel}`);
  return {
    HOST: '0.0.0.0',
    PORT: `${service.port}`,
    NODE_ENV: 'production',
    PUBLIC_URL: `https://${inventory.domain}`,
    REDIS_SENTINELS: sentinels.join(','),
    REDIS_MASTER,
    REDIS_PASSWORD: secretOf(secrets, 'redis'),
  };
}

function gatewaySettings(place: Place): Settings {
  const { inventory, secrets, of } = place;
  return {
    UPSTREAMS: addresses(place),
    TRUSTED_PROXIES: [
      ...of('haproxy').map((one) => one.address),
      inventory.data.haproxy.virtual_address,
    ].join(','),
    PORTAL_TECHNICIAN: '/opt/psa/current/portals/technician',
    PORTAL_CUSTOMER: '/opt/psa/current/portals/customer',
    PSA_METRICS_TOKEN: secretOf(secrets, 'metrics_token'),
  };
}

function ownSettings(place: Place, service: Service): Settings {
  const { inventory, secrets, of } = place;
  const { postgres, haproxy } = inventory.data;
  const database = (role: string, port: number) =>
    `postgres://${role}:${encodeURIComponent(secretOf(secrets, 'postgres_roles'))}@${haproxy.virtual_address}:${port}/${postgres.database}`;
  const rabbit = `amqp://psa:${encodeURIComponent(secretOf(secrets, 'rabbitmq_user'))}`;
  return {
    DATABASE_URL: database(`psa_${service.name}`, postgres.write_port),
    DATABASE_READ_URL: database(`psa_${service.name}`, postgres.read_port),
    // PgBouncer lends a connection for one transaction.
    DATABASE_PREPARE: 'false',
    FILES_DATABASE_URL: database('psa_files', postgres.write_port),
    RABBITMQ_URL: of('rabbitmq')
      .map((one) => `${rabbit}@${one.address}:${rabbitmq.ports.amqp}`)
      .join(','),
    PEERS: addresses(place),
    FIELD_KEYS: `k1:${secretOf(secrets, 'field_key')}`,
    ...mailSettings(place),
  };
}

/** Every service but the gateway, by its port on the virtual address: HAProxy chooses a replica that is ready. */
function addresses({ inventory }: Place): string {
  const { virtual_address } = inventory.data.haproxy;
  return inventory.services
    .filter((one) => one.edge_port !== undefined)
    .map((one) => `${one.name}=http://${virtual_address}:${one.edge_port}`)
    .join(',');
}

/** Mail goes out once the login of the mail server is there; until then the services write it to their log. */
function mailSettings({ inventory, secrets }: Place): Settings {
  const { mail } = inventory.monitoring;
  const needsPassword = mail.username !== undefined;
  if (needsPassword && !secrets.mail_password) return {};
  const login = needsPassword
    ? `${encodeURIComponent(mail.username!)}:${encodeURIComponent(secrets.mail_password!)}@`
    : '';
  return { SMTP_URL: `smtp://${login}${mail.smarthost}`, MAIL_FROM: mail.from };
}
