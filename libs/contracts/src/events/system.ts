import Type from 'typebox';

export const systemEvents = {
  'system.test_published.v1': {
    description: 'somebody tried the way from outbox to stream',
    service: 'events',
    seenWith: 'event:view',
    data: Type.Object({ message: Type.String() }),
  },
  'audit.recorded.v1': {
    description: 'something worth auditing that changed no business object: a refused login, an export',
    service: '*',
    seenWith: 'audit:view',
    data: Type.Object({ action: Type.String(), detail: Type.Record(Type.String(), Type.Unknown()) }),
  },
} as const;
