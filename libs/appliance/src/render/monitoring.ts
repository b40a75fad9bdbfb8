import { stringify } from 'yaml';
import { MACHINE_PORT } from '../contents/machine.ts';
import { type Container, expand, siteOf } from '../inventory/expand.ts';
import { DATA_PARTS, type Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { MONITORING_PORTS } from '../parts/monitoring-settings.ts';
import type { Parts } from '../parts/part.ts';
import { alertGroups } from './alerts.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';

/** The files of Prometheus and Alertmanager, as they stand in /etc/prometheus and /etc/default. */
export function renderMonitoring(
  inventory: Inventory,
  parts: Parts,
  site: Site = siteOf(inventory),
): readonly RenderedFile[] {
  return [
    { path: 'prometheus.yml', text: yaml(prometheus(inventory, parts, site)) },
    { path: 'rules.yml', text: yaml({ groups: alertGroups(inventory, parts) }) },
    { path: 'alertmanager.yml', text: yaml(alertmanager(inventory)) },
    {
      path: 'prometheus.default',
      text: `# ${RENDERED}\nARGS="--storage.tsdb.retention.time=${inventory.monitoring.retention_days}d"\n`,
    },
  ];
}

const yaml = (value: unknown) => `# ${RENDERED}\n${stringify(value, { lineWidth: 0 })}`;

interface Target {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

function prometheus(inventory: Inventory, parts: Parts, site: Site) {
  const containers = expand(inventory, site);
  const of = (group: string) => containers.filter((one) => one.group === group);
  const targets = (list: readonly Container[], port: (one: Container) => number): Target[] =>
    list.map((one) => ({
      targets: [`${one.address}:${port(one)}`],
      labels: { container: one.name, group: one.group, node: one.node },
    }));
  const job = (name: string, configs: readonly Target[], more: object = {}) => ({
    job_name: name,
    ...more,
    static_configs: configs,
  });
  const services = inventory.services.flatMap((service) => targets(of(service.name), () => service.port));
  const isGateway = (target: Target) => target.labels.group === 'gateway';
  return {
    global: {
      scrape_interval: `${inventory.monitoring.scrape_seconds}s`,
      evaluation_interval: `${inventory.monitoring.scrape_seconds}s`,
      external_labels: { appliance: inventory.name, site: site.name },
    },
    rule_files: ['rules.yml'],
    alerting: {
      alertmanagers: [
        {
          static_configs: [
            { targets: of('monitoring').map((one) => `${one.address}:${MONITORING_PORTS.alertmanager}`) },
          ],
        },
      ],
    },
    scrape_configs: [
      job(
        'services',
        services.filter((target) => !isGateway(target)),
      ),
      job('gateway', services.filter(isGateway), {
        authorization: { credentials_file: inventory.monitoring.metrics_token_file },
      }),
      job(
        'nodes',
        site.nodes.map((node) => ({
          targets: [`${node.address}:${MACHINE_PORT}`],
          labels: { node: node.name },
        })),
      ),
      job(
        'containers',
        targets(containers, () => MACHINE_PORT),
      ),
      ...DATA_PARTS.flatMap((part) =>
        parts[part].jobs.map(({ name, port }) =>
          job(
            name,
            targets(of(part), () => port),
          ),
        ),
      ),
    ],
  };
}

function alertmanager(inventory: Inventory) {
  const { mail, chat_webhook_file } = inventory.monitoring;
  const mails = mail.to.map((to) => ({ to, send_resolved: true }));
  return {
    global: {
      resolve_timeout: '5m',
      smtp_smarthost: mail.smarthost,
      smtp_from: mail.from,
      ...(mail.username && { smtp_auth_username: mail.username }),
      ...(mail.password_file && { smtp_auth_password_file: mail.password_file }),
    },
    route: {
      receiver: 'mail',
      group_by: ['alertname', 'group'],
      group_wait: '10s',
      group_interval: '1m',
      repeat_interval: '12h',
      routes: [{ matchers: ['severity="critical"'], receiver: 'critical', repeat_interval: '1h' }],
    },
    inhibit_rules: [
      // A dead node explains everything that stood on it.
      {
        source_matchers: ['alertname="NodeDown"'],
        target_matchers: ['alertname=~"ContainerDown|DataMemberDown|TargetDown"'],
        equal: ['node'],
      },
      {
        source_matchers: ['severity="critical"'],
        target_matchers: ['severity="warning"'],
        // A backup that is missing explains what else is wrong with those of its series, and nothing of another one.
        equal: ['group', 'container', 'series'],
      },
    ],
    receivers: [
      { name: 'mail', email_configs: mails },
      {
        name: 'critical',
        email_configs: mails,
        ...(chat_webhook_file && {
          slack_configs: [
            {
              api_url_file: chat_webhook_file,
              send_resolved: true,
              title: '{{ .CommonLabels.alertname }} ({{ .Status }})',
              text: '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook }}\n{{ end }}',
            },
          ],
        }),
      },
    ],
  };
}
