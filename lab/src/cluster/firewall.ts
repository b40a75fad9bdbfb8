import type { ClusterFiles } from './cluster-files.ts';

/** A rule as its line of the file has it. */
export type FirewallRule = Record<string, string>;

/** An alias: the name as it was given, and its address. */
export interface FirewallAlias {
  readonly name: string;
  readonly cidr: string;
  readonly comment?: string;
}

/** An entry of a set of addresses. */
export interface IpSetEntry {
  readonly cidr: string;
  readonly nomatch?: boolean;
  readonly comment?: string;
}

/** What a `.fw` file says: of the cluster, a node or a guest. */
export interface FirewallConf {
  options: Record<string, string>;
  /** By name in small letters. */
  aliases: Record<string, FirewallAlias>;
  ipset: Record<string, readonly IpSetEntry[]>;
  rules: readonly FirewallRule[];
  groups: Record<string, readonly FirewallRule[]>;
  /** Of sets of addresses and of groups. */
  comments: { ipset: Record<string, string>; groups: Record<string, string> };
}

export const CLUSTER_FIREWALL = 'firewall/cluster.json';
export const nodeFirewall = (node: string): string => `nodes/${node}/host.fw.json`;
export const guestFirewall = (vmid: number): string => `firewall/${vmid}.json`;

export const readFirewall = (files: ClusterFiles, file: string): FirewallConf => ({
  ...{ options: {}, aliases: {}, ipset: {}, rules: [], groups: {}, comments: { ipset: {}, groups: {} } },
  ...files.readJson<Partial<FirewallConf>>(file, {}),
});

/** A clone has the rules of its source, or none. */
export function copyFirewall(files: ClusterFiles, from: number, to: number): void {
  const source = files.read(guestFirewall(from));
  if (source === null) files.remove(guestFirewall(to));
  else files.write(guestFirewall(to), source);
}
