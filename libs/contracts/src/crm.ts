import Type, { type Static } from 'typebox';
import {
  Closed,
  Email,
  Line,
  listQuery,
  Nullable,
  StringEnum,
  Tag,
  Text,
  Timestamp,
  Uuid,
} from './common.ts';

export const CUSTOMER_STATUSES = ['active', 'prospect', 'inactive'] as const;

export const Customer = Type.Object({
  id: Uuid,
  customer_number: Type.Integer(),
  name: Type.String(),
  status: StringEnum(CUSTOMER_STATUSES),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  website: Nullable(Type.String()),
  notes: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
  preferred_technician_id: Nullable(Uuid),
  sla_policy_id: Nullable(Uuid),
  source: Nullable(Type.String({ description: 'the system it was imported from' })),
  external_id: Nullable(Type.String({ description: 'its id in that system' })),
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Customer = Static<typeof Customer>;

/** A web site as people write it, with or without scheme; stored with one. */
const WebAddress = Type.String({
  format: 'web-address',
  maxLength: 500,
  description: '`www.example.com` is taken and becomes `https://www.example.com`',
});
const customerFields = {
  name: Line(200),
  status: Type.Optional(StringEnum(CUSTOMER_STATUSES, { default: 'active' })),
  email: Type.Optional(Nullable(Email)),
  phone: Type.Optional(Nullable(Line(50))),
  website: Type.Optional(Nullable(WebAddress)),
  notes: Type.Optional(Nullable(Text(10_000))),
  tags: Type.Optional(Type.Array(Tag, { maxItems: 30, uniqueItems: true })),
  preferred_technician_id: Type.Optional(Nullable(Uuid)),
  sla_policy_id: Type.Optional(Nullable(Uuid)),
};
export const CreateCustomerRequest = Closed(customerFields);
export const UpdateCustomerRequest = Closed(
  { ...customerFields, name: Type.Optional(Line(200)), status: Type.Optional(StringEnum(CUSTOMER_STATUSES)) },
  { minProperties: 1 },
);
export const ListCustomersQuery = Closed({
  ...listQuery,
  status: Type.Optional(StringEnum(CUSTOMER_STATUSES)),
  tag: Type.Optional(Tag),
  external_id: Type.Optional(Line(200)),
  preferred_technician_id: Type.Optional(Uuid),
});
export const CustomerTag = Type.Object({ tag: Type.String(), count: Type.Integer() });

/** Several customers at once by their name in another system; existing ones are returned unchanged. */
export const ImportCustomersRequest = Closed({
  source: Line(50),
  customers: Type.Array(Closed({ external_id: Line(200), name: Line(200) }), { minItems: 1, maxItems: 500 }),
});
export const ImportCustomersResponse = Type.Object({
  customers: Type.Array(Type.Object({ external_id: Type.String(), id: Uuid, created: Type.Boolean() })),
});
export const ImportContactsRequest = Closed({
  source: Line(50),
  contacts: Type.Array(Closed({ external_id: Line(200), name: Line(200), customer_id: Uuid }), {
    minItems: 1,
    maxItems: 500,
  }),
});
export const ImportContactsResponse = Type.Object({
  contacts: Type.Array(Type.Object({ external_id: Type.String(), id: Uuid, created: Type.Boolean() })),
});

/** `fields` and `include` of one object. */
export const OneQuery = Closed({ fields: listQuery.fields, include: listQuery.include });

export const Site = Type.Object({
  id: Uuid,
  customer_id: Uuid,
  name: Type.String(),
  street: Nullable(Type.String()),
  postal_code: Nullable(Type.String()),
  city: Nullable(Type.String()),
  country: Nullable(Type.String()),
  time_zone: Nullable(Type.String()),
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Site = Static<typeof Site>;
const siteFields = {
  name: Line(200),
  street: Type.Optional(Nullable(Line(200))),
  postal_code: Type.Optional(Nullable(Line(20))),
  city: Type.Optional(Nullable(Line(100))),
  country: Type.Optional(Nullable(Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2' }))),
  time_zone: Type.Optional(Nullable(Line(64))),
};
export const CreateSiteRequest = Closed({ customer_id: Uuid, ...siteFields });
export const UpdateSiteRequest = Closed(
  { ...siteFields, name: Type.Optional(Line(200)) },
  { minProperties: 1 },
);
export const ListSitesQuery = Closed({
  ...listQuery,
  customer_id: Type.Optional(Uuid),
  country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
});

export const Contact = Type.Object({
  id: Uuid,
  customer_id: Uuid,
  site_id: Nullable(Uuid),
  name: Type.String(),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  position: Nullable(Type.String()),
  is_primary: Type.Boolean(),
  user_id: Nullable(Uuid),
  notes: Nullable(Type.String()),
  source: Nullable(Type.String()),
  external_id: Nullable(Type.String()),
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Contact = Static<typeof Contact>;
const contactFields = {
  site_id: Type.Optional(Nullable(Uuid)),
  email: Type.Optional(Nullable(Email)),
  phone: Type.Optional(Nullable(Line(50))),
  position: Type.Optional(Nullable(Line(100))),
  is_primary: Type.Optional(Type.Boolean()),
  notes: Type.Optional(Nullable(Text(10_000))),
};
export const CreateContactRequest = Closed({
  customer_id: Type.Optional(
    Type.String({ format: 'uuid', description: 'portal users may leave it out: it is their own company' }),
  ),
  name: Line(200),
  ...contactFields,
});
export const UpdateContactRequest = Closed(
  { name: Type.Optional(Line(200)), ...contactFields },
  { minProperties: 1 },
);
export const ListContactsQuery = Closed({
  ...listQuery,
  customer_id: Type.Optional(Uuid),
  site_id: Type.Optional(Uuid),
  is_primary: Type.Optional(Type.Boolean()),
});

/** A customer with what `include` asked for. */
export const CustomerView = Type.Object({
  ...Customer.properties,
  sites: Type.Optional(Type.Array(Site)),
  contacts: Type.Optional(Type.Array(Contact)),
});
export const SiteView = Type.Object({ ...Site.properties, customer: Type.Optional(Customer) });
export const ContactView = Type.Object({
  ...Contact.properties,
  customer: Type.Optional(Customer),
  site: Type.Optional(Nullable(Site)),
});
