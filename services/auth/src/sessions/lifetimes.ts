/** Access tokens live 15 minutes: the longest that a revocation can take when the cache is down. */
export const ACCESS_TTL_SECONDS = 900;
/** A refresh token that is not used for 7 days is void (BDUF §4.2). */
export const REFRESH_TTL_SECONDS = 7 * 86_400;
/** A session ends after 30 days however often it was refreshed (NIST SP 800-63B §4.1.3, AAL1). */
export const SESSION_TTL_SECONDS = 30 * 86_400;
/**
 * How long a spent refresh token still yields its successor. Two tabs that wake at once, or a client whose answer
 * got lost, present the same token within moments; a thief has to be as quick, gains nothing but the same
 * successor, and is found out at the next rotation.
 */
export const ROTATION_GRACE_SECONDS = 10;

export const plusSeconds = (at: Date, seconds: number) => new Date(at.getTime() + seconds * 1000);
