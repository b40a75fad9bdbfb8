import { dataParts } from '../parts/parts.ts';
import { FEED_PORT } from '../parts/standby-settings.ts';
import { duplicates } from './checks.ts';
import type { Problem } from './problem.ts';
import { DATA_PARTS, type Inventory } from './schema.ts';

/** What is wrong with the second site: which it is, who is told, how much of the appliance it carries. */
export function checkDr(inventory: Inventory): Problem[] {
  return [
    ...checkPair(inventory),
    ...checkWarm(inventory),
    ...checkContacts(inventory),
    ...checkReduced(inventory),
  ];
}

function checkPair({ dr, sites }: Inventory): Problem[] {
  if (!dr) return [];
  const unknown = (['primary', 'standby'] as const).flatMap((role) =>
    sites.some(({ name }) => name === dr[role])
      ? []
      : [
          {
            path: ['dr', role],
            message: `There is no site "${dr[role]}".`,
            fix: `Known are: ${sites.map(({ name }) => name).join(', ')}.`,
          },
        ],
  );
  return [
    ...unknown,
    ...(dr.primary === dr.standby
      ? [
          {
            path: ['dr', 'standby'],
            message: `"${dr.standby}" cannot stand in for itself.`,
            fix: 'Name another site.',
          },
        ]
      : []),
    ...(dr.edges && dr.edges.primary === dr.edges.standby
      ? [
          {
            path: ['dr', 'edges', 'standby'],
            message: 'Both edges have one address: a site would take itself for the other one.',
            fix: 'Write the address by which each site alone is reached, not the one that moves.',
          },
        ]
      : []),
  ];
}

/** What a standby stands on whose database follows all the time. */
function checkWarm({ dr, backup, containers }: Inventory): Problem[] {
  if (dr?.kind !== 'warm') return [];
  const port = Number(/:(\d+)$/.exec(dr.feed ?? '')?.[1] ?? 1);
  return [
    ...(dr.feed === undefined
      ? [
          {
            path: ['dr', 'kind'],
            message: `The standby follows the repository of ${dr.primary}, and dr.feed does not say where that is reached.`,
            fix: `Add feed: "HOST:PORT", which leads to port ${FEED_PORT} of its edge; or write cold.`,
          },
        ]
      : []),
    ...(port < 1 || port > 65_535
      ? [{ path: ['dr', 'feed'], message: `There is no port ${port}.`, fix: 'Write one from 1 to 65535.' }]
      : []),
    ...(containers.some(({ name }) => name === 'ops') && (backup.items?.includes('pitr') ?? true)
      ? []
      : [
          {
            path: ['dr', 'kind'],
            message: 'A warm standby follows the log of the database, and none is kept.',
            fix: 'Have containers of "ops", and "pitr" among backup.items; or write cold.',
          },
        ]),
  ];
}

function checkContacts({ dr }: Inventory): Problem[] {
  const contacts = dr?.contacts ?? [];
  return [
    ...contacts.flatMap(({ name, phone, mail }, index) =>
      phone !== undefined || mail !== undefined
        ? []
        : [
            {
              path: ['dr', 'contacts', index, 'name'],
              message: `Nobody can tell "${name}": there is neither a phone nor a mail.`,
              fix: 'Add phone or mail.',
            },
          ],
    ),
    ...duplicates(
      contacts.map(({ name }, index) => ({ value: name, path: ['dr', 'contacts', index, 'name'] })),
      'The contact',
    ),
  ];
}

/** A site may carry less of the appliance, and never more: ids and addresses are counted for the usual number. */
function checkReduced(inventory: Inventory): Problem[] {
  const usual = new Map<string, number>([
    ...inventory.services.map(({ name, replicas }) => [name, replicas] as const),
    ...DATA_PARTS.map((name) => [name, inventory.data[name].members] as const),
  ]);
  const votes = new Set<string>(DATA_PARTS.filter((name) => dataParts()[name].votes));
  return inventory.sites.flatMap((site, at) =>
    Object.entries(site.members ?? {}).flatMap(([name, count]): Problem[] => {
      const path = ['sites', at, 'members', name];
      const most = usual.get(name);
      if (most === undefined)
        return [
          {
            path,
            message: `There is no service or data part "${name}".`,
            fix: `Known are: ${[...usual.keys()].join(', ')}.`,
          },
        ];
      if (count > most)
        return [
          {
            path,
            message: `Site "${site.name}" would have ${count} of ${name}, and the appliance has ${most}.`,
            fix: `Write ${most} or fewer, or take the line out.`,
          },
        ];
      return votes.has(name) && count % 2 === 0
        ? [
            {
              path,
              message: `${count} members of ${name} have no clear majority when the network splits.`,
              fix: `Write an odd number, such as ${count - 1}.`,
            },
          ]
        : [];
    }),
  );
}
