/** Claims of an access token (RS256, BDUF §4.2 and more). `iss` psa-platform, `aud` psa-api. */
export interface AccessClaims {
  /** User id. */
  sub: string;
  /** Tenant id. */
  tid: string;
  email: string;
  name: string;
  role: string;
  permissions: string[];
  audience: 'staff' | 'customer';
  /** Only for portal users of a customer. */
  customer_id?: string;
  /** Rate-limit tier. */
  tier: 'standard' | 'professional' | 'enterprise';
  /** Session (refresh-token family) id; revoking it ends every token of the session. */
  sid: string;
  /** True in tokens that an API key was exchanged for: they make no keys. */
  api_key?: true;
  /** Present in cookie sessions: what the X-CSRF-Token header must say. */
  csrf?: string;
  iat: number;
  exp: number;
  jti: string;
}
export const TOKEN_ISSUER = 'psa-platform';
export const TOKEN_AUDIENCE = 'psa-api';

/** Cookies of the portals. */
export const ACCESS_COOKIE = 'psa_access';
export const REFRESH_COOKIE = 'psa_refresh';
/** Readable by scripts; the value goes into the X-CSRF-Token header. */
export const CSRF_COOKIE = 'psa_csrf';
export const CSRF_HEADER = 'x-csrf-token';

/** Cache keys that revoke: checked on every request. */
export const revokedSessionKey = (sid: string) => `revoked:sid:${sid}`;
/** Value: unix seconds; tokens of the user issued before are void (role changed, password changed, disabled). */
export const revokedUserKey = (userId: string) => `revoked:user:${userId}`;
