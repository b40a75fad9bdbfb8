import { normaliseEmail, normalisePhone, normaliseWebsite } from '@psa/service-kit/contact-forms';

interface Reachable {
  email?: string | null;
  phone?: string | null;
  website?: string | null;
}

/** The input with its addresses and numbers in the form in which they are stored; the schema has checked them. */
export function stored<T extends Reachable>(input: T): T {
  const { email, phone, website } = input;
  return {
    ...input,
    ...(email ? { email: normaliseEmail(email) ?? email } : {}),
    ...(phone ? { phone: normalisePhone(phone) || null } : {}),
    ...(website ? { website: normaliseWebsite(website) ?? website } : {}),
  };
}
