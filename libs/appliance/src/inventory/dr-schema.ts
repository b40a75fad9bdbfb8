import Type, { type Static } from 'typebox';
import { Closed, Name } from './parts-schema.ts';

/** Somebody who is told when a site fails over. */
const Contact = Closed(
  {
    name: Type.String({ minLength: 1, description: 'Who, as people call them.' }),
    role: Type.String({ minLength: 1, description: 'What they are asked for, as in database or on call.' }),
    phone: Type.Optional(
      Type.String({ pattern: '^\\+?[0-9][0-9 ()/-]{3,30}$', description: 'Their number.' }),
    ),
    mail: Type.Optional(Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', description: 'Their mail address.' })),
  },
  'One who is told.',
);
export type Contact = Static<typeof Contact>;

const Edge = (what: string) =>
  Type.String({
    pattern: '^https://[^\\s/]+$',
    description: `Where the edge of ${what} is reached from the other site.`,
  });

const Hook = (what: string) => Type.Optional(Type.String({ minLength: 1, description: what }));

/** How the platform goes from one site to the other. Targets of time and loss are backup.targets. */
export const Dr = Closed(
  {
    primary: Name('The site that serves in ordinary times.'),
    standby: Name('The site that takes over.'),
    kind: Type.Enum(['cold', 'warm'], {
      description:
        'cold: the standby site is filled from backups when it is needed. warm: its database follows all the time.',
    }),
    edges: Type.Optional(
      Closed(
        { primary: Edge('the primary site'), standby: Edge('the standby site') },
        'With it the edge of a site does not serve while that of the other one does and is newer. Absent: only psactl keeps a site that comes back from serving.',
      ),
    ),
    feed: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}$',
        description:
          'Where the standby site reaches port 8433 of the primary edge, as host:port: it copies the repository of the database from there. With kind warm.',
      }),
    ),
    hooks: Type.Optional(
      Closed({
        fence: Hook(
          'Shell line that takes the power or the network from the site PSA_DR_SITE; it must end with 0 only when that is done.',
        ),
        switch: Hook(
          'Shell line that leads clients to the site PSA_DR_TO: DNS, routes, addresses of the provider.',
        ),
        notify: Hook('Shell line that tells people; its input is the message.'),
      }),
    ),
    contacts: Type.Array(Contact, { minItems: 1, description: 'Who is told, the first one first.' }),
  },
  'Two sites, one of which stands in for the other.',
);
export type Dr = Static<typeof Dr>;
