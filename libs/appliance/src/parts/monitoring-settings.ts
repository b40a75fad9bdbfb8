/** Where the programs of the monitoring container listen. */
export const MONITORING_PORTS = { prometheus: 9090, alertmanager: 9093 } as const;
