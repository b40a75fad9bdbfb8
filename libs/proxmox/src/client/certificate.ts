import { isIP } from 'node:net';
import { connect } from 'node:tls';

/** The certificate that a node shows. */
export interface ShownCertificate {
  /** SHA-256, as `pvenode cert info` prints it: capital hex with colons. */
  readonly fingerprint: string;
  /** Whether a CA that this machine knows vouches for it, and for this host: then no fingerprint is needed. */
  readonly isTrusted: boolean;
  /** What is wrong with it in the eyes of this machine; null when nothing is. */
  readonly doubt: string | null;
  /** The CA of a Proxmox cluster that signed it, by its name; null when another did. Every node alone has one of its own. */
  readonly clusterCa: string | null;
}

/**
 * Asks an endpoint for its certificate and hangs up: nothing is sent, no token least of all. Who answers is not proven
 * by it: a person compares the fingerprint with what the node says of itself.
 * @throws Error when nobody answers there
 */
export function shownCertificate(
  host: string,
  port: number,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ShownCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port, rejectUnauthorized: false },
      ...(isIP(host) ? {} : { servername: host }),
    });
    const end = (error: Error | null, shown?: ShownCertificate) => {
      socket.destroy();
      options.signal?.removeEventListener('abort', abort);
      error ? reject(error) : resolve(shown!);
    };
    const abort = () => end(options.signal!.reason as Error);
    options.signal?.addEventListener('abort', abort);
    socket.setTimeout(options.timeoutMs, () => end(new Error('no answer in time')));
    socket.once('error', (error) => end(error));
    socket.once('secureConnect', () => {
      const { fingerprint256, issuer } = socket.getPeerCertificate();
      if (!fingerprint256) return end(new Error('it shows no certificate'));
      const doubt = socket.authorized ? null : String(socket.authorizationError);
      const clusterCa = issuer.O === 'PVE Cluster Manager CA' ? String(issuer.OU) : null;
      return end(null, { fingerprint: fingerprint256, isTrusted: socket.authorized, doubt, clusterCa });
    });
  });
}
