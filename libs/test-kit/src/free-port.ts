/** Re-exported so that tests need the test kit alone. */
export { freePort } from '@psa/infra/free-port';
