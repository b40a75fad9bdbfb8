import { defineConfig } from 'vite';
import { portalConfig } from '../ui/vite-portal.ts';

export default defineConfig(
  portalConfig({
    root: new URL('.', import.meta.url),
    base: '/portal/',
    first: /customer[\\/]src[\\/](?:main|pages[\\/](?:layout|login-page|tickets-page))\.tsx$/,
  }),
);
