// Free of TypeBox, so that a browser loads the words without the schemas.

/** How statuses and priorities are called, in the portals and in files for people: one home. */
export const TICKET_WORDS = {
  de: {
    status: {
      new: 'Neu',
      assigned: 'Zugewiesen',
      in_progress: 'In Arbeit',
      waiting_customer: 'Wartet auf Kunde',
      resolved: 'Gelöst',
      closed: 'Geschlossen',
    },
    priority: { low: 'Niedrig', medium: 'Mittel', high: 'Hoch', critical: 'Kritisch' },
  },
  en: {
    status: {
      new: 'New',
      assigned: 'Assigned',
      in_progress: 'In progress',
      waiting_customer: 'Waiting for customer',
      resolved: 'Resolved',
      closed: 'Closed',
    },
    priority: { low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' },
  },
} as const;
