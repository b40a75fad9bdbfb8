import type { LiveMessage } from '@psa/app/live/stream';
import type { QueryKey } from '@tanstack/react-query';

/** Which queries a message of the live stream makes stale. The ticket list decides by itself (live-store). */
export function keysOf({ aggregate: { type, id } }: LiveMessage): QueryKey[] {
  switch (type) {
    case 'ticket':
      return [
        ['ticket', id],
        ['ticket', 'stats'],
        ['ticket', 'counts'],
        ['ticket', 'list'],
      ];
    case 'site':
    case 'contact':
      return [['customer']];
    case 'user':
      return [['user'], ['technician']];
    default:
      return [
        [type, 'list'],
        [type, id],
      ];
  }
}
