import { MACHINE_PORT } from '../contents/machine.ts';
import { secretOf } from '../contents/secret.ts';
import type { Inventory } from '../inventory/schema.ts';
import { renderMonitoring } from '../render/monitoring.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { MONITORING_PORTS as PORTS } from './monitoring-settings.ts';
import {
  type Answer,
  type Contents,
  type Need,
  type Part,
  type Parts,
  type Place,
  plainFile,
  secretFile,
} from './part.ts';

/** Who watches, and tells people. */
export const monitoring = {
  ports: PORTS,
  jobs: [
    { name: 'prometheus', port: PORTS.prometheus, why: 'metrics' },
    { name: 'alertmanager', port: PORTS.alertmanager, why: 'metrics' },
  ],
  votes: false,
  dns: 'members',
  secrets: {
    metrics_token: { by: 'new', what: 'Prometheus at the gateway' },
    mail_password: {
      ...{ by: 'given', isGiven: true, what: 'login at the mail server' },
      isWanted: ({ monitoring: { mail } }: Inventory) => Boolean(mail.password_file),
    },
    chat_webhook: {
      ...{ by: 'given', isGiven: true, what: 'webhook of the chat for alerts' },
      isWanted: ({ monitoring: { chat_webhook_file } }: Inventory) => Boolean(chat_webhook_file),
    },
  },
  needs,
  contents,
  probe: () => `curl -s -o /dev/null -m 5 -w '%{http_code}' http://127.0.0.1:${PORTS.prometheus}/-/ready`,
  trouble: (_inventory, answers) => trouble(answers),
  alerts: () => [],
} satisfies Part;

/** What it reads of others; its own members stand in its own VLAN. */
function needs({ services, containers }: Inventory, parts: Parts): Need[] {
  const to = (name: string, port: number, why: string): Need => ({ from: 'monitoring', to: name, port, why });
  return [
    ...services.map(({ name, port }) => to(name, port, 'metrics')),
    ...containers.map(({ name }) => to(name, MACHINE_PORT, 'metrics of the machine')),
    to('nodes', MACHINE_PORT, 'metrics of the machine'),
    ...Object.entries(parts).flatMap(([part, { jobs }]) => jobs.map(({ port, why }) => to(part, port, why))),
  ];
}

function trouble(answers: readonly Answer[]): string | null {
  const ill = answers.find(({ text }) => text.trim() !== '200');
  return ill ? `Prometheus in ${ill.container.name} is not ready` : null;
}

const FOLDER = '/etc/prometheus';
const PROMETHEUS_ARGS = '/etc/default/prometheus';
const ALERTMANAGER_ARGS = '/etc/default/prometheus-alertmanager';
/** Where the members of Alertmanager tell each other what was sent. */
const GOSSIP_PORT = 9094;

/** Prometheus and Alertmanager. */
function contents(place: Place): Contents {
  const { inventory, site, secrets } = place;
  const rendered = new Map(
    renderMonitoring(inventory, place.parts, site).map((file) => [file.path, file.text]),
  );
  const named = (name: string) => plainFile(`${FOLDER}/${name}`, rendered.get(name) ?? '');
  const { metrics_token_file, mail, chat_webhook_file } = inventory.monitoring;
  const given = [
    { path: mail.password_file, value: secrets.mail_password },
    { path: chat_webhook_file, value: secrets.chat_webhook },
    // Not given yet: the file is empty and Alertmanager says so in its log when it has something to send.
  ].flatMap(({ path, value }) => (path ? [secretFile(path, value ?? '', 'prometheus')] : []));
  const token = secretFile(metrics_token_file, secretOf(secrets, 'metrics_token'), 'prometheus');
  return {
    files: [
      named('prometheus.yml'),
      named('rules.yml'),
      named('alertmanager.yml'),
      plainFile(PROMETHEUS_ARGS, rendered.get('prometheus.default') ?? ''),
      plainFile(ALERTMANAGER_ARGS, alertmanagerArgs(place)),
      token,
      ...given,
    ],
    units: [
      {
        name: 'prometheus.service',
        onChange: 'restart',
        paths: [`${FOLDER}/prometheus.yml`, `${FOLDER}/rules.yml`, PROMETHEUS_ARGS],
      },
      {
        name: 'prometheus-alertmanager.service',
        onChange: 'restart',
        paths: [`${FOLDER}/alertmanager.yml`, ALERTMANAGER_ARGS],
      },
    ],
  };
}

function alertmanagerArgs({ container, of }: Place): string {
  const others = of('monitoring').filter((one) => one.id !== container.id);
  const gossip =
    others.length === 0
      ? // Alone it needs no port for others.
        ['--cluster.listen-address=']
      : [
          `--cluster.listen-address=${container.address}:${GOSSIP_PORT}`,
          ...others.map((one) => `--cluster.peer=${one.address}:${GOSSIP_PORT}`),
        ];
  const args = [`--web.listen-address=:${PORTS.alertmanager}`, ...gossip];
  return `# ${RENDERED}\nARGS="${args.join(' ')}"\n`;
}
