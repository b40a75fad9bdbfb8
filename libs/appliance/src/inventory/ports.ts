/** Where the data parts listen. The services' own ports stand in the inventory. */
export const DATA_PORTS = {
  postgres: 5432,
  pgbouncer: 6432,
  patroni: 8008,
  etcd: 2379,
  rabbitmq: 5672,
  redis: 6379,
  sentinel: 26_379,
  prometheus: 9090,
  alertmanager: 9093,
} as const;

/** Where exporters are scraped. */
export const METRICS_PORTS = {
  machine: 9100,
  haproxy: 8405,
  rabbitmq: 15_692,
  redis: 9121,
} as const;
