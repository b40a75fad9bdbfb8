import Type from 'typebox';
import { Nullable, Uuid } from '../common.ts';

/** The whole customer as of `version`: consumers need no look-up. */
const CustomerFacts = Type.Object({
  customer_id: Uuid,
  customer_number: Type.Integer(),
  name: Type.String(),
  status: Type.String(),
  email: Nullable(Type.String()),
  phone: Type.Optional(Nullable(Type.String())),
  website: Type.Optional(Nullable(Type.String())),
  notes: Type.Optional(Nullable(Type.String())),
  tags: Type.Array(Type.String()),
  preferred_technician_id: Nullable(Uuid),
  sla_policy_id: Nullable(Uuid),
  source: Type.Optional(Nullable(Type.String())),
  external_id: Type.Optional(Nullable(Type.String())),
  version: Type.Integer(),
});
const ContactFacts = Type.Object({
  contact_id: Uuid,
  customer_id: Uuid,
  site_id: Type.Optional(Nullable(Uuid)),
  name: Type.String(),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  position: Nullable(Type.String()),
  is_primary: Type.Optional(Type.Boolean()),
  user_id: Nullable(Uuid),
  notes: Type.Optional(Nullable(Type.String())),
  source: Type.Optional(Nullable(Type.String())),
  external_id: Type.Optional(Nullable(Type.String())),
  version: Type.Integer(),
});
const SiteFacts = Type.Object({
  site_id: Uuid,
  customer_id: Uuid,
  name: Type.String(),
  street: Type.Optional(Nullable(Type.String())),
  postal_code: Type.Optional(Nullable(Type.String())),
  city: Type.Optional(Nullable(Type.String())),
  country: Type.Optional(Nullable(Type.String())),
  time_zone: Type.Optional(Nullable(Type.String())),
  version: Type.Integer(),
});
const ofCustomer = { service: 'crm', seenWith: 'customer:view' } as const;
const ofContact = { service: 'crm', seenWith: 'contact:view' } as const;

export const crmEvents = {
  'customer.created.v1': { description: 'a customer was created', ...ofCustomer, data: CustomerFacts },
  'customer.updated.v1': {
    description: 'a customer changed',
    ...ofCustomer,
    endsSessionsOf: 'customer',
    data: CustomerFacts,
  },
  'customer.deleted.v1': {
    description: 'a customer was deleted',
    ...ofCustomer,
    endsSessionsOf: 'customer',
    data: CustomerFacts,
  },
  'contact.created.v1': { description: 'a contact was created', ...ofContact, data: ContactFacts },
  'contact.updated.v1': { description: 'a contact changed', ...ofContact, data: ContactFacts },
  'contact.deleted.v1': { description: 'a contact was deleted', ...ofContact, data: ContactFacts },
  'site.created.v1': { description: 'a site was created', ...ofCustomer, data: SiteFacts },
  'site.updated.v1': { description: 'a site changed', ...ofCustomer, data: SiteFacts },
  'site.deleted.v1': { description: 'a site was deleted', ...ofCustomer, data: SiteFacts },
} as const;
