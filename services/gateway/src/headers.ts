import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** RFC 9110 §7.6.1, and what a proxy consumes itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Headers without those that are for one connection only, also those that `Connection` names. */
export function endToEndHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const { connection } = headers;
  const named =
    connection === undefined || connection === 'keep-alive'
      ? null
      : String(connection)
          .toLowerCase()
          .split(',')
          .map((name) => name.trim());
  const kept: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named?.includes(name)) kept[name] = value;
  }
  return kept;
}

/** What only the gateway may tell a service; from outside it would be a lie. */
const INTERNAL = /^(x-forwarded-|x-psa-|x-internal-|x-real-ip$|forwarded$|x-api-key$)/;

export function removeUntrusted(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (INTERNAL.test(name)) delete headers[name];
}

const COMMON: readonly [string, string][] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
  ['x-frame-options', 'DENY'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
];
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
/**
 * Scripts only from files of our own, none inline. Inline styles are let in: the component library and the
 * API browser set them, and a style can neither run nor send anything here (images and connections are ours).
 */
const PAGE_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
const YEAR_SECONDS = 31_536_000;

/** Sets the headers that protect a browser; `https`: also HSTS. */
export function setSecurityHeaders(res: ServerResponse, kind: 'api' | 'page', https: boolean): void {
  for (const [name, value] of COMMON) res.setHeader(name, value);
  res.setHeader('content-security-policy', kind === 'api' ? API_POLICY : PAGE_POLICY);
  if (kind === 'api') res.setHeader('cache-control', 'no-store');
  if (https) res.setHeader('strict-transport-security', `max-age=${YEAR_SECONDS}; includeSubDomains`);
}
