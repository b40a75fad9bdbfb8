import { factsOf, PROGRAM_NAMES, type ProgramName, SERVICE_PORT } from '@psa/contracts/services';
import type { ContainerGroup, Service } from './schema.ts';

/** The first id of a service's containers and their first address: both follow from its decade. */
function placeOf(name: ProgramName): Pick<ContainerGroup, 'ids' | 'first_address'> {
  const first = factsOf(name).decade * 10;
  return { ids: `${first}-${first + 9}`, first_address: `10.0.20.${first - 200}` };
}

/** The container group of a service, in the sizes of a cluster or of a lab. */
export function serviceGroup(name: ProgramName, target: 'cluster' | 'lab'): ContainerGroup {
  const { cluster, labMemoryMb } = factsOf(name);
  const sizes =
    target === 'lab'
      ? { cores: 2, memory_mb: labMemoryMb, disk_gb: 3 }
      : { cores: cluster.cores, memory_mb: cluster.memoryMb, disk_gb: 10 };
  return {
    ...{ name, ...placeOf(name), vlan: 'services', template: 'node-service', ...sizes },
    ...{ storage: 'shared', anti_affinity: 'required', ha: 'managed' },
  };
}

/** A group as inventories have it: a line for each field. */
export const groupText = (group: ContainerGroup): string =>
  Object.entries(group)
    .map(([field, value], index) => `${index === 0 ? '  - ' : '    '}${field}: ${value}\n`)
    .join('');

/** A service as inventories have it, in one line. */
export function serviceText(name: ProgramName, replicas: number, settings?: Service['settings']): string {
  const { edgePort } = factsOf(name);
  const fields = [
    `name: ${name}`,
    `replicas: ${replicas}`,
    `port: ${SERVICE_PORT}`,
    ...(edgePort === undefined ? [] : [`edge_port: ${edgePort}`]),
    ...(settings === undefined
      ? []
      : [
          `settings: { ${Object.entries(settings)
            .map(([key, value]) => `${key}: "${value}"`)
            .join(', ')} }`,
        ]),
  ];
  return `  - { ${fields.join(', ')} }\n`;
}

/**
 * The example inventory with the services' groups and the services as contracts has them, and these versions of the
 * templates. All else stays.
 */
export function renderExample(text: string, versions: ReadonlyMap<string, string>): string {
  const [, before, groups, after] = /^([\s\S]*\ncontainers:\n)((?: {2}.*\n)+)([\s\S]*)$/.exec(text)!;
  const others = groups!
    .split(/(?=^ {2}- )/m)
    .filter((group) => !group.includes('    template: node-service\n'));
  const own = PROGRAM_NAMES.map((name) => groupText(serviceGroup(name, 'cluster')));
  const firstId = (group: string) => Number(/ids: (\d+)/.exec(group)?.[1]);
  const services = PROGRAM_NAMES.map((name) => serviceText(name, factsOf(name).cluster.replicas));
  return `${before}${[...others, ...own].sort((a, b) => firstId(a) - firstId(b)).join('')}${after}`
    .replace(/\nservices:\n(?: .*\n)+/, () => `\nservices:\n${services.join('')}`)
    .replace(
      /^( {2}- \{ name: )([a-z-]+)(, version: )[\d.]+(, storage: )/gm,
      (line, start, name, middle, end) =>
        versions.has(name) ? `${start}${name}${middle}${versions.get(name)}${end}` : line,
    );
}
