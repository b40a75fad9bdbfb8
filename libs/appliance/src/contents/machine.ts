import { dirname } from 'node:path';
import { type Contents, type Place, plainFile } from '../parts/part.ts';
import { OPS_GROUP } from '../render/backup-alerts.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { IN_OPS } from '../render/timers.ts';

/** Where the metrics of a machine, a node or a container, are read. */
export const MACHINE_PORT = 9100;

/** What every container has: the metrics of the machine. */
export function machineContents({ container }: Place): Contents {
  const isOps = container.group === OPS_GROUP;
  const path = '/etc/default/prometheus-node-exporter';
  // What a container has none of, or sees of its host.
  const useless = [
    'arp',
    'edac',
    'hwmon',
    'mdadm',
    'nvme',
    'powersupplyclass',
    'rapl',
    // Both write an error at every scrape: a container has no bus for it, and none but ops has such files.
    'systemd',
    ...(isOps ? [] : ['textfile']),
    'thermal_zone',
    'zfs',
  ];
  const args = [
    `--web.listen-address=${container.address}:${MACHINE_PORT}`,
    ...useless.map((name) => `--no-collector.${name}`),
    ...(isOps ? [`--collector.textfile.directory=${dirname(IN_OPS.metrics)}`] : []),
  ];
  return {
    files: [plainFile(path, `# ${RENDERED}\nARGS="${args.join(' ')}"\n`)],
    units: [{ name: 'prometheus-node-exporter.service', onChange: 'restart', paths: [path] }],
  };
}
