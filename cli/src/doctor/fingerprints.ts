import type { ShownCertificate } from '@psa/proxmox/client/certificate';
import { usage } from '../errors.ts';
import { type Finding, failed, fine } from './findings.ts';

const FORM = /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/;

/** Node → SHA-256 of its certificate, as somebody gives them on the command line: `pve1=AA:…,pve2=BB:…`. */
export function parseFingerprints(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((part) => {
      const [node, value = ''] = part.trim().split('=', 2) as [string, string?];
      const fingerprint = value.toUpperCase();
      if (!FORM.test(fingerprint))
        throw new Error(`"${part.trim()}" is not of the form node=AA:BB:… with the 32 bytes of a SHA-256.`);
      return [node, fingerprint];
    }),
  );
}

/** @throws CliError when a fingerprint is given for a node that is not there: a typing error must not pass for a comparison */
export function refuseStrangers(given: ReadonlyMap<string, string>, nodes: readonly string[]): void {
  const stranger = [...given.keys()].find((name) => !nodes.includes(name));
  if (stranger !== undefined)
    throw usage(
      `Unable to use the fingerprint of "${stranger}": there is no such node.`,
      `The nodes are ${nodes.join(', ')}.`,
    );
}

/** What a node says of itself, to compare with what was seen from here. */
export const ownFingerprint = (node: string): string =>
  `on ${node} itself: pvenode cert info (the fingerprint of pveproxy-ssl.pem, or of pve-ssl.pem where there is none)`;

/**
 * Whether the nodes are no cluster yet: each has a CA of its own. A node that joins gets a certificate of the cluster's
 * CA, so what it shows before is worth nothing afterwards.
 */
export const areApart = (shown: readonly ShownCertificate[]): boolean =>
  new Set(shown.flatMap(({ clusterCa }) => clusterCa ?? [])).size > 1;

/** What was seen of a node's certificate. */
export interface SeenCertificate {
  readonly node: string;
  /** `host:port` that was asked. */
  readonly address: string;
  /** Where the inventory has, or will have, its fingerprint. */
  readonly field: string;
  readonly known: string | null;
  readonly shown: ShownCertificate | null;
  /** Why there was no answer. */
  readonly trouble: string | null;
}

/**
 * What to do about a certificate: `trust` it as it is · `write` what somebody gave and the node shows · `ask` a person ·
 * `refuse` what is not what was known or given. A known fingerprint is exchanged for no other that was not given in full.
 */
export type Verdict = 'trust' | 'write' | 'ask' | 'refuse' | 'silent';

/** @param given by somebody who has compared it; undefined when nobody has */
export function verdictOf({ known, shown }: SeenCertificate, given: string | undefined): Verdict {
  if (!shown) return 'silent';
  if (given !== undefined && given !== shown.fingerprint) return 'refuse';
  if (known === shown.fingerprint) return 'trust';
  if (given !== undefined) return 'write';
  if (known !== null) return 'refuse';
  return shown.isTrusted ? 'trust' : 'ask';
}

/** A certificate as a finding. */
export function certificateFinding(seen: SeenCertificate, given: string | undefined): Finding {
  const { node, address, field, known, shown, trouble } = seen;
  const what = `certificate of ${node}`;
  const write = `psactl doctor --fingerprint ${node}=${shown?.fingerprint}`;
  switch (verdictOf(seen, given)) {
    case 'silent':
      return failed(
        what,
        `${address} does not answer: ${trouble}`,
        'Does the node run, with pveproxy on it, and does a firewall let this machine through?',
      );
    case 'trust':
      return fine(what, known === null ? 'a CA that is known here vouches for it' : `is that of ${field}`);
    case 'write':
      return fine(what, `${shown!.fingerprint} is what was given; it goes into ${field}`);
    case 'ask':
      return failed(
        what,
        `${address} shows ${shown!.fingerprint}; nobody vouches for it (${shown!.doubt}), and ${field} is not set`,
        `Compare it ${ownFingerprint(node)}. Is it the same: ${write}`,
      );
    case 'refuse':
      return failed(
        what,
        given === undefined
          ? `${address} shows ${shown!.fingerprint}, and ${field} has ${known}`
          : `${address} shows ${shown!.fingerprint}, and ${given} was given`,
        `Somebody else may answer there. Compare it ${ownFingerprint(node)}. Only if it was renewed, or the node has joined the cluster since: ${write}`,
      );
  }
}
