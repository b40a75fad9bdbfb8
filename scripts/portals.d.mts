export const PORTALS: readonly string[];
export function buildPortals(): Promise<void>;
