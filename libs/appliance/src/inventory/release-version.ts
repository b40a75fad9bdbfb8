import compare from 'semver/functions/compare.js';

const NUMBER = '(0|[1-9]\\d{0,8})';
const PART = '(0|[1-9]\\d{0,8}|\\d{0,20}[A-Za-z][0-9A-Za-z]{0,20})';

/**
 * A release's version as a pattern: what Semantic Versioning 2.0.0 takes, without hyphens in a pre-release's name and
 * without build metadata, because two releases that differ in those alone have no order.
 */
export const RELEASE_VERSION = `^${NUMBER}(\\.${NUMBER}){2}(-${PART}(\\.${PART}){0,4})?$`;

const RULE = new RegExp(RELEASE_VERSION);

/** Whether a text is the version of a release. */
export const isReleaseVersion = (text: string): boolean => RULE.test(text);

/** Oldest first; a pre-release comes before its release, and its tenth after its ninth (semver.org, 11). */
export const byRelease = (a: string, b: string): number => compare(a, b);
