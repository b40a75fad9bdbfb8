import type { Clock } from './clock.ts';

/** One node's API. */
export interface Endpoint {
  readonly host: string;
  readonly port?: number;
  /** The node's name, so that what concerns a node can be sent to it. */
  readonly node?: string;
  /** SHA-256 of the certificates that it may show, as hex with or without colons. None: the CA decides. */
  readonly fingerprints?: readonly string[];
  /** Where people write its fingerprint (`sites[0].nodes[1].fingerprint`), for errors. */
  readonly field?: string;
}

/** `host:port` of an endpoint; 8006 is where Proxmox listens. */
export const addressOf = (endpoint: Endpoint): string =>
  `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port ?? 8006}`;

/** The nodes' endpoints. Every one can answer for all; one that does not is passed over for a while. */
export class EndpointPool {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  readonly #downFor: number;
  readonly #downUntil = new Map<Endpoint, number>();
  #current: Endpoint;

  constructor(endpoints: readonly Endpoint[], clock: Clock, downForMs: number) {
    const [first] = endpoints;
    if (!first) throw new Error('A cluster needs at least one endpoint.');
    this.#endpoints = endpoints;
    this.#clock = clock;
    this.#downFor = downForMs;
    this.#current = first;
  }

  /** Those to try, in order: the wanted node's own, the one that answered last, the others; the one to avoid, then the dead. */
  candidates(node?: string, avoid?: string): readonly Endpoint[] {
    const rank = (endpoint: Endpoint) => {
      const until = this.#downUntil.get(endpoint) ?? 0;
      if (until > this.#clock.now()) return 10 + until;
      if (avoid === addressOf(endpoint)) return 3;
      if (node !== undefined && endpoint.node === node) return 0;
      return endpoint === this.#current ? 1 : 2;
    };
    return this.#endpoints
      .map((endpoint) => ({ endpoint, rank: rank(endpoint) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ endpoint }) => endpoint);
  }

  /** It did not answer. */
  failed(endpoint: Endpoint): void {
    this.#downUntil.set(endpoint, this.#clock.now() + this.#downFor);
  }

  /** It answered. */
  answered(endpoint: Endpoint): void {
    this.#downUntil.delete(endpoint);
    this.#current = endpoint;
  }
}
