import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * The forms in which people write addresses, numbers and web sites, and the one in which each is stored.
 * What nobody can mean is null; the caller says so by the field's name.
 */

/** Longest address in its ASCII form, in characters (RFC 5321 §4.5.3.1.3, without the angle brackets). */
const MAX_EMAIL = 254;
/** Longest part before the `@` (RFC 5321 §4.5.3.1.1). */
const MAX_LOCAL = 64;
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** Labels of up to 63 characters (RFC 1035 §2.3.4), two at least, and a last one that is no number. */
const HOST =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** What copying leaves around text besides white space: zero-width characters, marks of direction. */
const EDGES = /^[\s\u200b-\u200f\u2060\u202a-\u202e\ufeff]+|[\s\u200b-\u200f\u2060\u202a-\u202e\ufeff]+$/gu;

/** Text without the white space and invisible characters around it. */
export const trimmed = (text: string): string => text.replace(EDGES, '');

/** A domain name in ASCII, lower case; null when it is none. */
function asciiHost(host: string): string | null {
  // Characters that end or escape a host in a URL would be cut off or decoded, not refused.
  if (/[\s/\\?#%@:]/u.test(host)) return null;
  const ascii = domainToASCII(host).replace(/\.$/, '');
  return HOST.test(ascii) ? ascii : null;
}

/**
 * An e-mail address as it is stored: without space around it, lower case, its domain in letters rather than in
 * Punycode. Both forms of an internationalised domain, and any capitals, are so the same address.
 * @returns null when it is no address that takes mail everywhere (letters beyond ASCII before the `@` are not)
 */
export function normaliseEmail(text: string): string | null {
  const whole = trimmed(text).toLowerCase();
  const at = whole.lastIndexOf('@');
  if (at < 1) return null;
  const local = whole.slice(0, at);
  const host = asciiHost(whole.slice(at + 1));
  if (host === null || local.length > MAX_LOCAL || !LOCAL.test(local)) return null;
  if (local.length + 1 + host.length > MAX_EMAIL) return null;
  return `${local}@${domainToUnicode(host)}`;
}

/** Both ways to write an address whose domain is internationalised; one where there is one. */
export function emailForms(email: string): string[] {
  const at = email.lastIndexOf('@');
  const host = at < 1 ? null : asciiHost(email.slice(at + 1));
  return host === null ? [email] : [...new Set([email, `${email.slice(0, at)}@${host}`])];
}

/**
 * A web address as it is stored: `www.web.example` becomes `https://www.web.example`; scheme and host are lower
 * case, the host in letters rather than in Punycode, the rest as it was written.
 * @returns null for other schemes, and for what has no host
 */
export function normaliseWebsite(text: string): string | null {
  const given = trimmed(text);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given);
  const whole = scheme ? given : `https://${given.replace(/^\/\//, '')}`;
  const parts = /^(https?):\/\/([^/?#\\]+)(.*)$/i.exec(whole);
  if (!parts || /\s/u.test(whole)) return null;
  const [, protocol, authority, rest] = parts;
  const [, credentials = '', host, port = ''] = /^(?:(.*)@)?([^@]*?)(:\d{1,5})?$/.exec(authority!) ?? [];
  // Without a scheme, "mailto:a@b.example" would be a password for b.example.
  if (!host || (credentials !== '' && !scheme) || !URL.canParse(whole)) return null;
  const ascii = asciiHost(host);
  // A host of one's own network needs no dot, but then the scheme says that it is one.
  const local = scheme && /^(?:[a-z0-9-]{1,63}|\[[0-9a-f:.]+\]|\d+\.\d+\.\d+\.\d+)$/i.test(host);
  if (ascii === null && !local) return null;
  const shown = ascii === null ? host.toLowerCase() : domainToUnicode(ascii);
  return `${protocol!.toLowerCase()}://${credentials === '' ? '' : `${credentials}@`}${shown}${port}${rest}`;
}

/** The web address with its host as it is found too: in ASCII. */
export function websiteForms(website: string): string[] {
  return URL.canParse(website) ? [...new Set([website, new URL(website).hostname])] : [website];
}

/** Text that is looked for, the domains in it in letters rather than in Punycode, as they are stored. */
export const domainsInLetters = (text: string): string =>
  text.replace(/[^\s@/:]+/gu, (part) => (/xn--/i.test(part) ? domainToUnicode(part) || part : part));

/** A telephone number as it is stored: without space around it, one space where there were several. */
export const normalisePhone = (text: string): string => trimmed(text).replace(/\s+/gu, ' ');
