/** An IPv4 subnet; both ends as numbers. */
export interface Subnet {
  readonly first: number;
  readonly last: number;
  readonly bits: number;
}

/** The address as a number, or null when it is none. */
export function parseAddress(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** The number as an address. */
export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The subnet, or null when the text is none or names an address inside one (10.0.20.5/24). */
export function parseSubnet(text: string): Subnet | null {
  const [address, mask] = text.split('/');
  const first = parseAddress(address ?? '');
  const bits = Number(mask);
  if (first === null || mask === undefined || !Number.isInteger(bits) || bits < 1 || bits > 30) return null;
  const size = 2 ** (32 - bits);
  return first % size === 0 ? { first, last: first + size - 1, bits } : null;
}

/** True for an address that a machine of the subnet can have: not the network's, not the broadcast address. */
export function isHostOf(subnet: Subnet, address: number): boolean {
  return address > subnet.first && address < subnet.last;
}

export function overlap(
  a: { readonly first: number; readonly last: number },
  b: { readonly first: number; readonly last: number },
): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** `200-209` as its two ends. The schema has checked the form. */
export function parseRange(text: string): { readonly first: number; readonly last: number } {
  const [first, last] = text.split('-').map(Number);
  return { first: first ?? 0, last: last ?? 0 };
}
