import { isMap, isScalar, isSeq, parse, parseDocument, type YAMLMap } from 'yaml';

/** `https://127.0.0.1:8006`, `localhost:2222`, `https://[::1]:8006` */
const LOOPBACK = /^(https:\/\/)?(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/;

/**
 * The text of an inventory for another machine of the management VLAN. A loopback address is a way that the machine has
 * which it was written for (a tunnel, the lab's): elsewhere it leads to that machine itself. So `api`, `ssh` and `portal`
 * with such a one are left out, and what holds without them is used: each node's own address, the virtual one of HAProxy.
 * Everything else stays as it is written; text without any, and text that is no inventory, comes back as it is.
 */
export function carriedInventory(text: string): string {
  const document = parseDocument(text);
  const sites = mapsOf(document.get('sites'));
  const dropped = [
    ...sites.map((site) => drop(site, 'portal')),
    ...sites
      .flatMap((site) => mapsOf(site.get('nodes')))
      .flatMap((node) => [drop(node, 'api'), drop(node, 'ssh')]),
  ];
  return dropped.includes(true) ? document.toString({ lineWidth: 0 }) : text;
}

/** What such a text says, whatever its comments and spaces are: the same from each machine that it is carried from. */
export const carriedFacts = (text: string): unknown => parse(carriedInventory(text));

const mapsOf = (list: unknown): readonly YAMLMap[] =>
  isSeq(list) ? list.items.filter((item): item is YAMLMap => isMap(item)) : [];

function drop(from: YAMLMap, key: string): boolean {
  const value = from.get(key, true);
  return isScalar(value) && typeof value.value === 'string' && LOOPBACK.test(value.value) && from.delete(key);
}
