import { defineConfig } from 'vite';
import { portalConfig } from '../ui/vite-portal.ts';

export default defineConfig(
  portalConfig({
    root: new URL('.', import.meta.url),
    base: '/',
    first: /technician[\\/]src[\\/](?:main|pages[\\/](?:layout|login-page|dashboard-page))\.tsx$/,
  }),
);
