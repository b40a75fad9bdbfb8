import { createHash, createHmac, randomBytes } from 'node:crypto';

/** 256 random bits as 43 characters: refresh tokens, mailed links, the secret part of API keys. */
export const newSecret = () => randomBytes(32).toString('base64url');

/** What the database keeps of a secret. Plain SHA-256 is enough for 256 random bits. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/**
 * The token that follows `token`. Only who holds the spent token **and** the salt can compute it: the database
 * has the salt and no token, a thief has the token and no salt. So a successor can be given twice without
 * being stored.
 */
export const successorOf = (token: string, salt: Buffer): string =>
  createHmac('sha256', Buffer.from(token)).update('psa refresh ').update(salt).digest('base64url');
