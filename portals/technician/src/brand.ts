/** The mark beside the name; a file of the shared public folder. */
export const logo = `${import.meta.env.BASE_URL}favicon.svg`;
