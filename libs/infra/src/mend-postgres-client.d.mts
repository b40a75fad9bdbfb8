/** Applies the changes to the installed client, or the one in `folder`; returns how many files were changed. */
export function mendPostgresClient(folder?: string): number;
