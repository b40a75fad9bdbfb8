/**
 * Refuses tenant ids and keys that could mean something to a file system or an address.
 * @throws RangeError
 */
export function checkFileName(tenantId: string, key: string): void {
  for (const part of [tenantId, key]) {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(part)) throw new RangeError(`Not a file key: ${JSON.stringify(part)}`);
  }
}
