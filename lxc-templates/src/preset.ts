import type { Definition } from './definition.ts';

/**
 * The preset's path in a container. The first line that fits a unit counts, and files are read by their names: this one
 * comes before Proxmox VE's own `00-pve.preset`.
 */
export const PRESET = '/etc/systemd/system-preset/00-psa.preset';

/**
 * What starts by itself in a container of a template: what it and its parents enable, and nothing else. Proxmox VE takes
 * `/etc/machine-id` away when it makes a container (PVE::LXC::Setup::Base, clear_machine_id). Without one systemd takes
 * the start for the machine's first and enables whatever the presets do not disable, and Debian's disable nothing.
 */
export function presetOf(definition: Definition): string {
  const enabled: string[] = [];
  for (let at: Definition | null = definition; at; at = at.parent)
    enabled.unshift(...(at.units?.enable ?? []));
  return [
    '# The rest waits for psa-config.',
    ...enabled.map((unit) => `enable ${unit}`),
    'disable *',
    '',
  ].join('\n');
}
