/**
 * `Content-Disposition` of a download: saved rather than shown, under its real name (RFC 6266, RFC 8187), with one in
 * ASCII for whoever knows no other.
 */
export const savedAs = (name: string): string => dispositionOf('attachment', name);

/** The same of what is shown in place and may be saved from there. */
export const shownUnder = (name: string): string => dispositionOf('inline', name);

function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const whole = name.toWellFormed();
  const ascii = whole.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '_');
  const encoded = encodeURIComponent(whole).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
