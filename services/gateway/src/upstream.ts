import type { IncomingMessage, ServerResponse } from 'node:http';

/** A small request that the gateway itself makes of a service (readiness, key exchange, OpenAPI). */
export interface OwnRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface OwnResponse {
  readonly status: number;
  readonly body: string;
}

/** What is fixed for one forwarded request. */
export interface Forwarding {
  readonly requestId: string;
  /** Who asks: a user's id, or an address. One caller alone opens no circuit breaker. */
  readonly caller: string;
  /** Milliseconds until the answer's head must be there; then 504. */
  readonly timeoutMs: number;
  /** Bytes of body at most; more is 413. */
  readonly bodyLimit: number;
}

/** One service behind the gateway: apps in the same process, or addresses in the cluster. */
export interface Upstream {
  /**
   * Hands a request over and resolves when its answer is written or the client is gone. The request's headers
   * are already those that the service shall see; headers already set on the answer stay.
   * @throws AppError when the service gave no answer and nothing was written yet
   */
  forward(req: IncomingMessage, res: ServerResponse, forwarding: Forwarding): Promise<void>;
  request(request: OwnRequest): Promise<OwnResponse>;
  /** The service's own metrics where they are at hand; null where Prometheus scrapes the service itself. */
  metrics(): Promise<string | null>;
  close(): Promise<void>;
}
