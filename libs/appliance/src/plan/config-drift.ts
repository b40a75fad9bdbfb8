import { type Desired, type DesiredContainer, netOf } from './desired.ts';
import { printMarker, withMarker } from './marker.ts';
import type { ObservedConfig } from './observed.ts';

/** A setting that is not as it shall be. */
export interface ConfigChange {
  readonly field: string;
  readonly from: string;
  readonly to: string;
  /** Parameters of `PUT …/config` that mend it. */
  readonly set: Readonly<Record<string, string | number | boolean>>;
}

/** What of a container's configuration is not as it shall be and can be changed in place. */
export function configChanges(
  desired: DesiredContainer,
  config: ObservedConfig,
  appliance: Desired['appliance'],
): readonly ConfigChange[] {
  const changes: ConfigChange[] = [];
  const compare = (field: string, from: unknown, to: string | number | boolean, unit = '') => {
    if (from === to) return;
    const words = (value: unknown) => (value === null || value === '' ? 'none' : `${value}${unit}`);
    changes.push({ field, from: words(from), to: words(to), set: { [field]: to } });
  };
  compare('hostname', config.hostname, desired.name);
  compare('cores', config.cores, desired.cores);
  compare('memory', config.memory, desired.memory_mb, ' MiB');
  compare('swap', config.swap, desired.swap_mb, ' MiB');
  compare('onboot', config.onboot, true);
  compare('startup', config.startup, desired.startup);
  compare('nameserver', config.nameserver, desired.nameserver);
  compare('searchdomain', config.searchdomain, desired.searchdomain);
  if (!config.nesting)
    changes.push({ field: 'features', from: 'none', to: 'nesting=1', set: { features: 'nesting=1' } });
  changes.push(...netChange(desired, config), ...tagChange(desired, config, appliance));
  if (!config.description.replaceAll('\r', '').includes(printMarker(desired.marker)))
    changes.push({
      field: 'description',
      ...{ from: 'an outdated marker', to: 'its marker' },
      set: { description: withMarker(config.description, desired.marker) },
    });
  return changes;
}

/** Only what the inventory says is compared; the MAC and whatever else stands there is kept. */
function netChange(desired: DesiredContainer, config: ObservedConfig): ConfigChange[] {
  const wanted = netOf(desired);
  const wrong = Object.keys(wanted).filter((key) => config.net0[key] !== wanted[key]);
  if (wrong.length === 0) return [];
  const say = (net: Readonly<Record<string, string>>) =>
    wrong.map((key) => `${key}=${net[key] ?? 'none'}`).join(',');
  const whole = { ...config.net0, ...wanted };
  const text = Object.entries(whole).map(([key, value]) => `${key}=${value}`);
  return [{ field: 'net0', from: say(config.net0), to: say(wanted), set: { net0: text.join(',') } }];
}

/** Tags that people added stay. */
function tagChange(desired: DesiredContainer, config: ObservedConfig, appliance: string): ConfigChange[] {
  const isOurs = (tag: string) =>
    tag === appliance || tag.startsWith(`${appliance}-`) || /^vlan\d+$/.test(tag);
  const stale = config.tags.filter((tag) => isOurs(tag) && !desired.tags.includes(tag));
  if (stale.length === 0 && desired.tags.every((tag) => config.tags.includes(tag))) return [];
  const next = [...new Set([...config.tags.filter((tag) => !stale.includes(tag)), ...desired.tags])].sort();
  return [
    {
      field: 'tags',
      from: config.tags.join(';') || 'none',
      to: next.join(';'),
      set: { tags: next.join(';') },
    },
  ];
}
