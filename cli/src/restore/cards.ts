import { type LxcNet, parseNet, printNet } from '@psa/proxmox/conf';

const isCard = (key: string) => /^net\d+$/.test(key);

/**
 * The network cards of an archive's configuration as a restore beside what runs shall have them: cables out, other hardware
 * addresses. All of them are named: what a request does not name comes out of the archive as it was. And the request must
 * not say `unique`, for Proxmox VE then takes the archive's cards, whatever the request says of them, and changes nothing
 * but the hardware address (PVE::LXC::Create, sanitize_and_merge_config; seen on 9.2).
 * @param raw the configuration by key
 * @param change what else a card gets
 */
export function cardsApart(
  raw: ReadonlyMap<string, string>,
  change: (net: LxcNet, key: string) => Partial<LxcNet>,
): Readonly<Record<string, string>> {
  const cards = [...raw].filter(([key]) => isCard(key));
  return Object.fromEntries(
    cards.map(([key, text]) => {
      // One without a hardware address gets a new one.
      const { hwaddr: _, ...net } = parseNet(text);
      return [key, printNet({ ...net, ...change(net, key), linkDown: true })];
    }),
  );
}

/**
 * What is wrong with the cards of a container that was restored beside, before it is started; null: nothing. What starts with
 * the address of a member that runs, and its cable in, is an outage.
 * @param config as the cluster has it now
 * @param wanted what the restore had asked for, by key
 */
export function cardTrouble(
  config: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, string>>,
): string | null {
  for (const [key, value] of Object.entries(config).filter(([one]) => isCard(one))) {
    const { ip, ip6, bridge, tag, linkDown } = parseNet(String(value));
    if (!linkDown) return `the cable of ${key} is not out`;
    const asked = wanted[key];
    if (asked === undefined) return `it has a ${key} that nobody asked for`;
    const wish = parseNet(asked);
    if (ip !== wish.ip || ip6 !== wish.ip6) return `${key} has the address ${ip ?? ip6 ?? 'of nobody'}`;
    if (bridge !== wish.bridge || tag !== wish.tag) return `${key} is in another network`;
  }
  return null;
}
