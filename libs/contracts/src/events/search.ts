import Type from 'typebox';

export const searchEvents = {
  'search.synonyms_changed.v1': {
    description: 'what a search takes for the same was changed',
    service: 'search',
    seenWith: 'search:manage',
    data: Type.Object({
      /** Lines of the list, as they are edited; the first hundred of each. */
      added: Type.Array(Type.String()),
      removed: Type.Array(Type.String()),
      /** The shipped list holds again. */
      shipped: Type.Boolean(),
      version: Type.Integer(),
    }),
  },
} as const;
