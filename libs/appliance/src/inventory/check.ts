import { isTimeZone } from '@psa/contracts/time-zones';
import { dataParts } from '../parts/parts.ts';
import { checkBackup } from './check-backup.ts';
import { checkContainers } from './check-containers.ts';
import { checkDr } from './check-dr.ts';
import { checkCompany, checkNeeds } from './check-needs.ts';
import { checkNetwork } from './check-network.ts';
import { duplicates, holds } from './checks.ts';
import { place } from './expand.ts';
import { RESERVED_ENDPOINTS } from './flows.ts';
import type { FieldPath, Problem } from './problem.ts';
import { DATA_PARTS, type Inventory } from './schema.ts';
import { inventoryOf } from './site-inventory.ts';
import { mayHold, STORAGE_KINDS } from './storages.ts';

/** What the schema cannot say: names that must exist, numbers that must fit together. */
export function checkInventory(inventory: Inventory): Problem[] {
  const problems = [
    ...checkTimezone(inventory),
    ...checkNames(inventory),
    ...checkNetwork(inventory),
    ...checkContainers(inventory),
    ...checkCompany(inventory),
    ...checkQuorum(inventory),
    ...checkStorages(inventory),
    ...checkBackup(inventory),
    ...checkDr(inventory),
  ];
  // Placing needs names and addresses that hold.
  if (problems.length > 0) return problems;
  return [
    ...checkNeeds(inventory),
    ...inventory.sites.flatMap((site) => place(inventoryOf(inventory, site), site).problems),
  ];
}

function checkTimezone({ timezone }: Inventory): Problem[] {
  if (isTimeZone(timezone)) return [];
  return [
    {
      path: ['timezone'],
      message: `There is no time zone "${timezone}".`,
      fix: 'Write one of the IANA list, such as Europe/Berlin.',
    },
  ];
}

function checkNames(inventory: Inventory): Problem[] {
  const named = (list: readonly { readonly name: string }[], ...at: FieldPath) =>
    list.map(({ name }, index) => ({ value: name, path: [...at, index, 'name'] as FieldPath }));
  return [
    ...duplicates(named(inventory.sites, 'sites'), 'The site'),
    ...inventory.sites.flatMap((site, index) => [
      ...duplicates(named(site.nodes, 'sites', index, 'nodes'), 'The node'),
      ...duplicates(named(site.storages, 'sites', index, 'storages'), 'The storage'),
    ]),
    ...duplicates(named(inventory.templates, 'templates'), 'The template'),
    ...duplicates(named(inventory.services, 'services'), 'The service'),
    ...duplicates(named(inventory.backup.tiers, 'backup', 'tiers'), 'The generation'),
    // Flows name all of these alike.
    ...duplicates(
      [
        ...RESERVED_ENDPOINTS.map((value) => ({ value, path: [] })),
        ...named(inventory.vlans, 'vlans'),
        ...named(inventory.containers, 'containers'),
        ...named(inventory.hosts, 'hosts'),
      ],
      'The name',
    ),
  ];
}

/** An even number of members tolerates no more failures than one fewer, and can split in halves. */
function checkQuorum(inventory: Inventory): Problem[] {
  const voting = DATA_PARTS.filter((part) => dataParts()[part].votes);
  return voting
    .filter((part) => inventory.data[part].members % 2 === 0)
    .map((part) => ({
      path: ['data', part, 'members'],
      message: `${inventory.data[part].members} members of ${part} have no clear majority when the network splits.`,
      fix: `Write an odd number, such as ${inventory.data[part].members + 1}.`,
    }));
}

/** Names of storages and nodes, in every site alike. */
function checkStorages(inventory: Inventory): Problem[] {
  return inventory.sites.flatMap((site, at) => [
    ...inventory.templates.flatMap((template, index) =>
      holds(site.storages, template.storage, 'vztmpl')
        ? []
        : [
            {
              path: ['templates', index, 'storage'],
              message: `Site "${site.name}" has no storage "${template.storage}" for templates.`,
              fix: 'Name one whose content includes vztmpl.',
            },
          ],
    ),
    ...site.storages.flatMap((storage, index) =>
      STORAGE_KINDS[storage.type].needs
        .filter((field) => storage[field] === undefined)
        .map((field) => ({
          path: ['sites', at, 'storages', index, field],
          message: `A storage of type ${storage.type} needs ${field}.`,
          fix: `Add ${field} to "${storage.name}".`,
        })),
    ),
    ...site.storages.flatMap((storage, index) =>
      storage.content
        .filter((content) => !mayHold(storage.type, content))
        .map((content) => ({
          path: ['sites', at, 'storages', index, 'content'],
          message: `A storage of type ${storage.type} cannot hold ${content}.`,
          fix: `Take ${content} out of "${storage.name}", and name another storage for it.`,
        })),
    ),
    ...site.storages.flatMap((storage, index) => {
      const { shared } = STORAGE_KINDS[storage.type];
      return shared === 'flag' || storage.shared === (shared === 'always')
        ? []
        : [
            {
              path: ['sites', at, 'storages', index, 'shared'],
              message: `A storage of type ${storage.type} is ${shared === 'always' ? 'the same on every node' : 'one of each node'}.`,
              fix: `Write shared: ${shared === 'always'} at "${storage.name}".`,
            },
          ];
    }),
    ...site.storages.flatMap((storage, index) =>
      storage.type === 'lvmthin' && storage.pool && !/^[^/]+\/[^/]+$/.test(storage.pool)
        ? [
            {
              path: ['sites', at, 'storages', index, 'pool'],
              message: `"${storage.pool}" does not say in which volume group.`,
              fix: 'Write volume group and pool, as in pve/data.',
            },
          ]
        : [],
    ),
    ...site.storages.flatMap((storage, index) =>
      (storage.nodes ?? []).flatMap((name, place) =>
        site.nodes.some((node) => node.name === name)
          ? []
          : [
              {
                path: ['sites', at, 'storages', index, 'nodes', place],
                message: `Site "${site.name}" has no node "${name}".`,
                fix: `Known are: ${site.nodes.map((node) => node.name).join(', ')}.`,
              },
            ],
      ),
    ),
  ]);
}
