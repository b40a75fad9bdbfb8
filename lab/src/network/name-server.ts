import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { renderDns } from '@psa/appliance/render/dns';
import { isIn, readPid, runIn, writeChanged } from './namespaces.ts';

/**
 * The resolver of the firewall: the appliance's own names on every gateway, and nobody to ask for others. Started
 * when it does not run or listens elsewhere, told to read again when names changed.
 */
export async function serveNames(
  namespace: string,
  folder: string,
  inventory: Inventory,
  site: Site,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const hosts = renderDns(inventory, site).find((file) => file.path === 'hosts')!.text;
  const file = (name: string) => join(folder, name);
  const config = `user=root
pid-file=${file('dnsmasq.pid')}
log-facility=${file('dnsmasq.log')}
no-resolv
no-poll
no-hosts
bind-interfaces
no-dhcp-interface=*
local=/${inventory.internal_domain}/
local=/${inventory.domain}/
addn-hosts=${file('hosts')}
${inventory.vlans.map((vlan) => `listen-address=${vlan.gateway}`).join('\n')}
`;
  const newNames = await writeChanged(file('hosts'), hosts);
  const newConfig = await writeChanged(file('dnsmasq.conf'), config);
  const running = await runningServer(namespace, file('dnsmasq.pid'));
  if (running !== null && !newConfig) {
    if (newNames) process.kill(running, 'SIGHUP');
    return;
  }
  if (running !== null) await ended(running);
  await runIn('start the name server', namespace, ['dnsmasq', `--conf-file=${file('dnsmasq.conf')}`]);
}

async function runningServer(namespace: string, pidFile: string): Promise<number | null> {
  const pid = await readPid(pidFile);
  if (pid === null || !(await isIn(namespace, pid))) return null;
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dnsmasq' ? pid : null;
  } catch {
    return null;
  }
}

async function ended(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 3_000; waited += 20) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.kill(pid, 'SIGKILL');
}
