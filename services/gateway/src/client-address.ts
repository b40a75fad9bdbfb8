import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const plain = (address: string) => (address.startsWith('::ffff:') ? address.slice(7) : address);

function has(list: BlockList, address: string): boolean {
  if (isIPv4(address)) return list.check(address, 'ipv4');
  return isIPv6(address) && list.check(address, 'ipv6');
}

/** A set of addresses and networks (`10.0.40.0/24`, `::1`). @throws on one that is none */
export function networks(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null;
    if (!family) throw new Error(`"${entry}" is no address or network.`);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const PRIVATE = networks([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
]);

/** True for loopback and private networks (RFC 1918, RFC 4193). */
export const isPrivate = (address: string) => has(PRIVATE, address);

export interface Client {
  readonly address: string;
  readonly https: boolean;
}

/**
 * Who really asks: the direct peer, or, when that is one of our proxies, the nearest address in
 * X-Forwarded-For that is not. Anything further left could have been made up by the client.
 */
export function clientOf(req: IncomingMessage, trusted: BlockList): Client {
  let address = plain(req.socket.remoteAddress ?? '');
  if (!has(trusted, address)) return { address, https: false };
  const hops = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((hop) => plain(hop.trim()));
  for (const hop of hops.reverse()) {
    if (!isIPv4(hop) && !isIPv6(hop)) break;
    address = hop;
    if (!has(trusted, hop)) break;
  }
  return { address, https: req.headers['x-forwarded-proto'] === 'https' };
}

/** What a rate limit counts: an IPv4 address, or an IPv6 /64, which is what one subscriber has. */
export function limitedAs(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === '' ? [] : tail.split(':');
  const full = address.includes('::')
    ? [...groups, ...Array(Math.max(0, 8 - groups.length - rest.length)).fill('0'), ...rest]
    : groups;
  return `${full
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
