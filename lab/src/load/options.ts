import Type, { type Static } from 'typebox';

const Count = (most: number, fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: most, default: fallback, description });

/** Who asks, and whom. */
const Client = {
  url: Type.String({ pattern: '^https?://', description: 'The portal, as in https://psa.lab.example.' }),
  address: Type.Union([Type.String(), Type.Null()], {
    default: null,
    description: 'Where the name of the URL is; for places without a name server.',
  }),
  ca: Type.Union([Type.String(), Type.Null()], {
    default: null,
    description: 'Certificates to trust (PEM); null: any certificate will do.',
  }),
  email: Type.String({ minLength: 1 }),
  password: Type.String({ minLength: 1 }),
  readTimeoutMs: Count(120_000, 3_000, 'How long a client waits for an answer to a read.'),
  writeTimeoutMs: Count(120_000, 10_000, 'How long a client waits for an answer to a write.'),
};

/** A load: people who read and people who open tickets. */
export const LoadOptions = Type.Object(
  {
    job: Type.Literal('load'),
    ...Client,
    readers: Count(1_000, 40, 'Connections that read.'),
    writers: Count(1_000, 10, 'Connections that open tickets.'),
    fresh: Count(100, 50, 'Percent of the connections that are opened anew for every request.'),
    pauseMs: Count(60_000, 100, 'What a client waits between two requests.'),
    seconds: Count(7_200, 60, 'When it ends at the latest.'),
    requests: Count(2_000_000, 500_000, 'After so many requests it ends as well.'),
    retryMs: Count(
      120_000,
      0,
      'A client tries again for so long (a write under the same key); 0: it gives up.',
    ),
  },
  { additionalProperties: false },
);
export type LoadOptions = Static<typeof LoadOptions>;

/** Looks whether tickets are there. */
export const CheckOptions = Type.Object(
  {
    job: Type.Literal('check'),
    ...Client,
    ids: Type.Array(Type.String(), { description: 'Ids of tickets.' }),
  },
  { additionalProperties: false },
);
export type CheckOptions = Static<typeof CheckOptions>;

/** What may be left out is filled in. */
export type LoadInput = Pick<LoadOptions, 'url' | 'email' | 'password'> & Partial<LoadOptions>;
export type CheckInput = Pick<CheckOptions, 'url' | 'email' | 'password' | 'ids'> & Partial<CheckOptions>;
