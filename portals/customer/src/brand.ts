import { messages } from './i18n/messages.ts';

/** The mark beside the name; a file of the shared public folder. */
export const logo = `${import.meta.env.BASE_URL}favicon.svg`;

/** Name and mark where nobody has signed in yet. */
export const useBrand = () => ({ brand: messages.useT()('brand'), logo });
