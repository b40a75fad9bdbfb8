/** Where a repository host and the members of the database hear each other's pgBackRest. */
export const PGBACKREST_PORT = 8432;
/** The repository, on the ops container. */
export const REPOSITORY = '/var/lib/pgbackrest';
/** pgBackRest's name for the database: the same on all members, whoever is primary. */
export const STANZA = 'psa';
/** What restores on the repository host use: it knows the repository alone, and no member that could be overwritten. */
export const RESTORE_CONFIG = '/etc/pgbackrest/restore.conf';
