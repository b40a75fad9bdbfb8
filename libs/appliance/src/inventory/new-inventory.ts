import { type Document, parseDocument } from 'yaml';
import { loadInventory } from './load.ts';
import type { InventoryError } from './problem.ts';

/** What only people can know of an appliance. */
export interface Answers {
  readonly name: string;
  readonly domain: string;
  readonly timezone: string;
  /** The first two numbers of all subnets: `10.0`. */
  readonly network: string;
  readonly nodes: readonly {
    readonly name: string;
    /** Absent: the next one after the gateway's decade, `<network>.10.11` and on. */
    readonly address?: string;
    /** Of its API certificate, when somebody has compared it. */
    readonly fingerprint?: string;
  }[];
  readonly cores: number;
  readonly memoryMb: number;
  /** Network card under the bridge of every node. */
  readonly card: string;
  /** Address of the NFS server; absent: that of the example in the new network. */
  readonly storage?: string;
  readonly mailTo: string;
  readonly smarthost: string;
  /** Of who builds releases and templates; absent: to be put in later. */
  readonly publicKey?: string;
}

/** The text, or what is wrong with the answers. */
export type NewInventory =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly InventoryError[] };

/** Where a node will be, by the answers. */
export const addressOf = ({ nodes, network }: Pick<Answers, 'nodes' | 'network'>, index: number): string =>
  nodes[index]!.address ?? `${network}.10.${11 + index}`;

/**
 * An inventory from the example's text and some answers. Everything else, comments too, stays as in the example.
 * @param file stands in the errors
 */
export function newInventory(example: string, answers: Answers, file: string): NewInventory {
  const { network, name, domain, timezone } = answers;
  // The first comment is the example's own; another takes its place below.
  const document = parseDocument(
    example.replace(/^(?:#.*\n)+/, '').replace(/\b10\.0\.(?=\d+\.\d)/g, `${network}.`),
  );
  document.commentBefore = ` The inventory of ${name}. Everything else is derived from it; what is rendered is never edited. Secrets stand in
 files that are named here.`;
  const old = document.toJS() as Example;
  document.setIn(['name'], name);
  document.setIn(['domain'], domain);
  document.setIn(['timezone'], timezone);
  const nodes = answers.nodes.map((node, index) => ({
    name: node.name,
    address: addressOf(answers, index),
    ...(node.fingerprint === undefined ? {} : { fingerprint: node.fingerprint }),
    bridges: { vmbr0: answers.card },
    cores: answers.cores,
    memory_mb: answers.memoryMb,
  }));
  document.setIn(['sites', 0, 'nodes'], flow(document, nodes));
  if (answers.storage !== undefined) {
    old.sites[0]!.storages.forEach((storage, index) => {
      if (storage.server) document.setIn(['sites', 0, 'storages', index, 'server'], answers.storage);
    });
    const host = old.hosts.findIndex((one) => one.name === 'storage');
    if (host >= 0) document.setIn(['hosts', host, 'address'], answers.storage);
  }
  document.setIn(['monitoring', 'mail', 'to'], [answers.mailTo]);
  document.setIn(['monitoring', 'mail', 'from'], `psa@${domain}`);
  document.setIn(['monitoring', 'mail', 'smarthost'], answers.smarthost);
  if (old.monitoring.mail.username !== undefined)
    document.setIn(['monitoring', 'mail', 'username'], `psa@${domain}`);
  if (answers.publicKey !== undefined)
    document.setIn(['releases', 'public_keys'], flowList(document, [answers.publicKey]));
  const text = document.toString({ lineWidth: 110 });
  const loaded = loadInventory(text, file);
  return loaded.ok ? { ok: true, text } : loaded;
}

interface Example {
  readonly sites: readonly { readonly storages: readonly { readonly server?: string }[] }[];
  readonly hosts: readonly { readonly name: string }[];
  readonly monitoring: { readonly mail: { readonly username?: string } };
}

const flowList = (document: Document, list: readonly string[]) => document.createNode(list, { flow: true });

/** A list whose entries stand on a line each. */
function flow(document: Document, list: readonly unknown[]) {
  return list.map((one) => document.createNode(one, { flow: true }));
}
