import type { Inventory } from '../inventory/schema.ts';
import { type Alert, alert, type Parts } from '../parts/part.ts';
import { backupAlerts } from './backup-alerts.ts';

interface AlertGroup {
  readonly name: string;
  readonly rules: readonly Alert[];
}

/** Connections that a service opens at most, unless its settings say otherwise (`DATABASE_POOL`). */
const DATABASE_POOL = 10;

const SERVICE_JOBS = 'job=~"services|gateway"';

/** What people are woken for or told of; the numbers of members come from the inventory. */
export function alertGroups(inventory: Inventory, parts: Parts): readonly AlertGroup[] {
  const { postgres, rabbitmq, redis } = parts;
  return [
    { name: 'services', rules: serviceAlerts(parts) },
    { name: 'desk', rules: deskAlerts() },
    { name: 'machines', rules: machineAlerts() },
    { name: 'database', rules: [...postgres.alerts(inventory), memberDown(parts)] },
    { name: 'backup', rules: backupAlerts(inventory) },
    { name: 'broker-and-cache', rules: [...rabbitmq.alerts(inventory), ...redis.alerts(inventory)] },
  ];
}

function serviceAlerts(parts: Parts): Alert[] {
  return [
    alert('ServiceDown', 'critical', 'max by (proxy) (haproxy_backend_active_servers) == 0', '30s', {
      summary: 'HAProxy has no server left for {{ $labels.proxy }}.',
      runbook:
        'Run "psactl status"; look at the log of the last deployment; "psactl rollback" when it was the cause.',
    }),
    alert('ContainerDown', 'critical', `up{${SERVICE_JOBS}} == 0`, '2m', {
      summary: '{{ $labels.container }} on {{ $labels.node }} does not answer.',
      runbook:
        'Run "psactl logs" for the service; "psactl plan" says whether the container is there and as it should be.',
    }),
    alert(
      'NotRedundant',
      'warning',
      `count by (group) (up{${SERVICE_JOBS}} == 1) < 2 and count by (group) (up{${SERVICE_JOBS}}) > 1`,
      '5m',
      {
        summary: 'Only one replica of {{ $labels.group }} is left.',
        runbook: 'Run "psactl status", then "psactl apply": it starts or makes the missing replica.',
      },
    ),
    alert(
      'HighErrorRate',
      'critical',
      `sum by (group) (rate(http_requests_total{${SERVICE_JOBS},status_code=~"5.."}[5m])) / sum by (group) (rate(http_requests_total{${SERVICE_JOBS}}[5m])) > 0.05`,
      '5m',
      {
        summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.group }} fail.',
        runbook:
          'Look at the log of the service for the first error; roll the last release back when it began there.',
      },
    ),
    alert(
      'HighResponseTime',
      'warning',
      `histogram_quantile(0.95, sum by (group, le) (rate(http_request_duration_seconds_bucket{${SERVICE_JOBS}}[5m]))) > 1`,
      '10m',
      {
        summary: 'One request in twenty to {{ $labels.group }} takes over {{ $value | humanizeDuration }}.',
        runbook:
          'Compare with the load of the database and of the nodes; scale the service when they are calm.',
      },
    ),
    alert(
      'DatabaseConnectionPoolExhausted',
      'critical',
      `database_connections_active{${SERVICE_JOBS}} >= ${DATABASE_POOL * 0.9}`,
      '5m',
      {
        summary: '{{ $labels.container }} uses {{ $value }} of its database connections.',
        runbook: 'Look for slow queries in pg_stat_activity; scale the service or raise DATABASE_POOL.',
      },
    ),
    alert('TargetDown', 'warning', `up{job!~"services|gateway|nodes|${votingJobs(parts)}"} == 0`, '5m', {
      summary: '{{ $labels.job }} of {{ $labels.instance }} cannot be read.',
      runbook: 'Check that the exporter runs, and that the flow from monitoring stands in the inventory.',
    }),
  ];
}

/** Each replica of `tickets` counts the tickets of all tenants, so the highest figure is the one. */
function deskAlerts(): Alert[] {
  return [
    alert(
      'CriticalTicketsAtRisk',
      'warning',
      'max by (priority) (at_risk_tickets_total{priority="critical"}) > 0',
      '5m',
      {
        summary: '{{ $value }} critical tickets are at risk: they fall due soon.',
        runbook:
          'Open the ticket list with "at risk", sorted by what falls due first, and see that somebody works on each.',
      },
    ),
  ];
}

function machineAlerts(): Alert[] {
  return [
    alert('NodeDown', 'critical', 'up{job="nodes"} == 0', '1m', {
      summary: 'The Proxmox node {{ $labels.node }} does not answer.',
      runbook:
        'The HA manager moves its containers within about three minutes; look at its console, then "psactl doctor".',
    }),
    alert(
      'HighMemoryUsage',
      'warning',
      '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0.9',
      '10m',
      {
        summary: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory.',
        runbook: 'Raise memory_mb of the group in the inventory and apply, or look for what grows.',
      },
    ),
    alert(
      'DiskFilling',
      'warning',
      'node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes < 0.15 or predict_linear(node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"}[6h], 86400) < 0',
      '15m',
      {
        summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is full soon.',
        runbook: 'Raise disk_gb of the group in the inventory and apply; on a node, prune old backups.',
      },
    ),
    alert(
      'DiskFull',
      'critical',
      'node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes < 0.05',
      '2m',
      {
        summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is nearly full.',
        runbook: 'Make room at once: old releases, logs; then raise disk_gb of the group and apply.',
      },
    ),
    alert('ClockOff', 'warning', 'abs(node_timex_offset_seconds{job="nodes"}) > 0.1', '10m', {
      summary: 'The clock of {{ $labels.node }} is off by {{ $value }} s.',
      runbook:
        'Check chrony on the node and the flow of udp 123 to the firewall; "psactl doctor" measures it.',
    }),
  ];
}

/** What Prometheus reads of the parts whose members vote. */
const votingJobs = (parts: Parts) =>
  Object.values(parts)
    .filter(({ votes }) => votes)
    .flatMap(({ jobs }) => jobs.map(({ name }) => name))
    .join('|');

const memberDown = (parts: Parts): Alert =>
  alert('DataMemberDown', 'warning', `up{job=~"${votingJobs(parts)}"} == 0`, '2m', {
    summary: '{{ $labels.job }} on {{ $labels.container }} does not answer.',
    runbook: 'Run "psactl status"; look at the log of the unit in the container.',
  });
