/** What listens in a member of the database. The services come by PgBouncer. */
export const POSTGRES_PORTS = { postgres: 5432, pgbouncer: 6432, patroni: 8008, etcd: 2379 } as const;

/** How many connections PostgreSQL takes; the same on every member, or a replica would refuse to follow. */
export const maxConnections = (memoryMb: number) => (memoryMb < 1024 ? 100 : memoryMb < 8192 ? 200 : 400);

/** Settings that follow from a member's memory, of which PostgreSQL is given about three quarters. */
export function memorySettings(memoryMb: number): Readonly<Record<string, string>> {
  const share = (part: number, least: number, most: number) =>
    `${Math.min(most, Math.max(least, Math.floor(memoryMb * part)))}MB`;
  return {
    shared_buffers: share(0.25, 32, 16_384),
    effective_cache_size: share(0.6, 64, 65_536),
    // Several per query and a query per connection: little each, or a busy hour ends in the kernel's hands.
    work_mem: share(0.002, 4, 64),
    maintenance_work_mem: share(0.05, 32, 1_024),
    max_wal_size: share(0.25, 256, 8_192),
    min_wal_size: share(0.05, 80, 1_024),
  };
}
