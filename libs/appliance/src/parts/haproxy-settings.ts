/** Where psactl asks and tells HAProxy. */
export const HAPROXY_SOCKET = '/run/haproxy/admin.sock';

/** Where HAProxy listens beside the ports of the services. */
export const HAPROXY_PORTS = { https: 443, metrics: 8405 } as const;
