import { DATA_PORTS } from '../inventory/ports.ts';
import { renderMonitoring } from '../render/monitoring.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { type Contents, type Place, plainFile, secretFile } from './part.ts';
import { secretOf } from './secrets.ts';

const FOLDER = '/etc/prometheus';
const PROMETHEUS_ARGS = '/etc/default/prometheus';
const ALERTMANAGER_ARGS = '/etc/default/prometheus-alertmanager';
/** Where the members of Alertmanager tell each other what was sent. */
const GOSSIP_PORT = 9094;

/** Prometheus and Alertmanager. */
export function monitoringContents(place: Place): Contents {
  const { inventory, site, secrets } = place;
  const rendered = new Map(renderMonitoring(inventory, site).map((file) => [file.path, file.text]));
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
  const args = [`--web.listen-address=:${DATA_PORTS.alertmanager}`, ...gossip];
  return `# ${RENDERED}\nARGS="${args.join(' ')}"\n`;
}
