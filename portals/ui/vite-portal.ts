import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin, UserConfig } from 'vite';

/** Languages whose react-aria texts are kept. */
const KEPT = /^(de-DE|en-US)$/;
const INTL_FILE =
  /[\\/]react-(?:aria|stately|aria-components)[\\/].*[\\/]intl[\\/](?:[\w-]+[\\/])?([a-z]{2}-[A-Z]{2})\.mjs$/;

/**
 * React-aria carries its texts in 34 languages. All but the two of the portals are emptied at build time;
 * their keys are never asked for, since the portals set the locale themselves.
 */
function onlyPortalLanguages(): Plugin {
  return {
    name: 'psa:only-portal-languages',
    enforce: 'pre',
    load(id) {
      const locale = INTL_FILE.exec(id)?.[1];
      return locale && !KEPT.test(locale) ? 'export default {};' : null;
    },
  };
}

/**
 * The content security policy that the portals are built for; the gateway sends it in production and the
 * preview server here, so that a breach shows in development too.
 */
export const PORTAL_CSP = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The font of the first texts is asked for with the page itself, not once the style sheet names it. */
function preloadFont(base: string): Plugin {
  return {
    name: 'psa:preload-font',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const file = Object.keys(bundle).find((name) => /[\\/]inter-first-[^\\/]+\.woff2$/.test(name));
        if (!file) return [];
        const href = `${base}${file}`;
        return [
          {
            tag: 'link',
            attrs: { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: '', href },
            injectTo: 'head-prepend',
          },
        ];
      },
    },
  };
}

/** What every page runs on and no change of ours touches, with the bundler's own: a browser keeps it over a deploy. */
const FRAMEWORK = /[\\/]node_modules[\\/](?:react|react-dom|scheduler)[\\/]|rolldown[\\/]runtime/;

/**
 * Build of one portal. `base` is the path it is served under, `root` its folder as a URL, `first` matches the files of
 * the pages that a visit begins with. These and all that they need are two scripts (and one style sheet): as 30 small ones
 * they cost 820 bytes of headers each, and were packed worse. What other pages need stays apart.
 * `PSA_URL` names the platform that the development server passes the API on to.
 */
export function portalConfig(options: { root: URL; base: string; first: RegExp }): UserConfig {
  const platform = process.env.PSA_URL ?? 'http://127.0.0.1:3000';
  const proxy = { '/api': { target: platform, ws: true } };
  return {
    root: fileURLToPath(options.root),
    base: options.base,
    publicDir: fileURLToPath(new URL('./public', import.meta.url)),
    plugins: [onlyPortalLanguages(), preloadFont(options.base), react()],
    server: { proxy },
    preview: { proxy, headers: { 'content-security-policy': PORTAL_CSP } },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      // light-dark(), CSS nesting and the syntax of evergreen browsers since mid 2024.
      target: ['chrome123', 'firefox120', 'safari17.5'],
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      // A data: URL would need a wider policy and is not cached by itself.
      assetsInlineLimit: 0,
      sourcemap: false,
      manifest: true,
      modulePreload: { polyfill: false },
      // Which plugin took how long is of no use to whoever starts the platform.
      rolldownOptions: {
        checks: { pluginTimings: false },
        output: {
          codeSplitting: {
            groups: [
              { name: 'framework', test: FRAMEWORK, priority: 2, includeDependenciesRecursively: false },
              { name: 'start', test: options.first, priority: 1 },
            ],
          },
        },
      },
      reportCompressedSize: true,
    },
  };
}
