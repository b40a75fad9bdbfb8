import { setTimeout as sleep } from 'node:timers/promises';
import { example } from '../inventory/example.test-helper.ts';
import { type Container, expand, siteOf } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { STANZA } from '../parts/pgbackrest-settings.ts';
import { PITR, pitrSocket } from '../parts/pitr-script.ts';
import { asPostgres, type Cell, mustAsPostgres as must, wiredCells } from './cells.test-helper.ts';
import { contentsOf } from './contents.ts';
import { newSecrets, secretNames } from './secrets.ts';

/** A real PostgreSQL of three members, and pgBackRest's repository of it on a machine of its own. */
export interface RepositoryCells {
  readonly inventory: Inventory;
  readonly site: Site;
  /** Of the groups `postgres` and `ops`, in the order of `cells`. */
  readonly containers: readonly Container[];
  readonly cells: readonly Cell[];
  readonly ops: Cell;
  readonly members: readonly Cell[];
  /** Inside the appliance. */
  addressOf(cell: Cell): string;
  /** A new machine in the place of one, with nothing on its disk, and everything started in it. */
  replaced(cell: Cell): Promise<Cell>;
  /** Those that Patroni calls primary. */
  primaries(): readonly Cell[];
  /** Whether Patroni's answer at a path (`/primary`, `/replica`) is yes. */
  says(cell: Cell, path: string): boolean;
  /** Runs a shell's line as the database's user. */
  as(cell: Cell, line: string): { readonly code: number | null; readonly output: string };
  /** Runs SQL in the platform's database. @returns its rows @throws when it fails */
  sql(cell: Cell, text: string): string;
  /** The same of what must end well, by a shell's line. */
  must(cell: Cell, line: string): string;
  /** Runs pgBackRest on the repository's machine. @throws when it fails */
  backrest(command: string): string;
  /** Rows that a table of the platform's database had at a moment, or has at `latest`, by what the repository restores. */
  rowsAt(table: string, time: string): number;
  /** Waits for it to be so; an error is no. @throws with the logs of all units after two minutes */
  until(what: string, check: () => boolean): Promise<void>;
  close(): void;
}

/**
 * Starts the machines and waits for a primary and its two replicas. There is no stanza yet.
 * @param prepare what is done to the repository's machine before anything of it is started
 */
export async function repositoryCells(prepare: (ops: Cell) => void = () => {}): Promise<RepositoryCells> {
  const inventory = example();
  for (const group of inventory.containers) group.memory_mb = Math.min(group.memory_mb, 1024);
  const site = siteOf(inventory);
  const secrets = newSecrets(secretNames(inventory));
  const containers = expand(inventory, site).filter(({ group }) => group === 'postgres' || group === 'ops');
  const machines = await wiredCells(containers);
  const { cells, close } = machines;
  try {
    const ops = cells[containers.findIndex(({ group }) => group === 'ops')]!;
    const members = cells.filter((cell) => cell !== ops);
    const contents = (cell: Cell) =>
      contentsOf(inventory, site, containers.find(({ name }) => name === cell.name)!, secrets);
    const logs = () =>
      cells
        .flatMap((cell) =>
          contents(cell).units.map(({ name }) => `== ${cell.name} ${name}\n${cell.log(name).slice(-2_000)}`),
        )
        .join('\n');
    const until = async (what: string, check: () => boolean) => {
      for (let turn = 0; turn < 240; turn++) {
        try {
          if (check()) return;
        } catch {}
        await sleep(500);
      }
      throw new Error(`Not so after a long time: ${what}\n${logs()}`);
    };
    const start = async (cell: Cell) => {
      // Two VLANs on one wire, without the firewall between them.
      cell.sh('ip route add 10.0.0.0/16 dev eth0');
      cell.sh('install -d -o postgres -g postgres /var/lib/pgbackrest /var/spool/pgbackrest');
      for (const { name } of contents(cell).units)
        if (name.endsWith('.service') && !name.startsWith('prometheus-')) await cell.start(name);
    };
    for (const cell of cells) cell.install(contents(cell));
    ops.sh('install -d -o postgres -g postgres /var/lib/pgbackrest');
    prepare(ops);
    await Promise.all(cells.map(start));
    const addressOf = (cell: Cell) => containers.find(({ name }) => name === cell.name)!.address;
    const says = (cell: Cell, path: string) =>
      ops.run([
        ...['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}'],
        `http://${addressOf(cell)}:8008${path}`,
      ]).output === '200';
    const primaries = () => members.filter((cell) => says(cell, '/primary'));
    await until('one primary', () => primaries().length === 1);
    await until('two replicas', () => members.filter((cell) => says(cell, '/replica')).length === 2);
    const rowsAt = (table: string, time: string) => {
      const started = ops.run([PITR, 'start', 'look', time]);
      if (started.code !== 0) throw new Error(started.output);
      const asked = `psql -X -q -A -t -h ${pitrSocket('look')} -d psa_platform -c 'select count(*) from ${table}'`;
      const found = must(ops, asked);
      ops.sh(`${PITR} stop look`);
      return Number(found);
    };
    return {
      ...{ inventory, site, containers, cells, ops, members, primaries, says, until, close },
      ...{ as: asPostgres, must, addressOf, rowsAt },
      async replaced(cell) {
        const fresh = await machines.replace(cells.findIndex(({ name }) => name === cell.name));
        fresh.install(contents(fresh));
        await start(fresh);
        return fresh;
      },
      sql: (cell, text) =>
        must(cell, `psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -d psa_platform -c "${text}"`),
      // As units call it: it asks for itself on the other side as it was called here.
      backrest: (command) => must(ops, `/usr/bin/pgbackrest --stanza=${STANZA} ${command}`),
    };
  } catch (error) {
    close();
    throw error;
  }
}
