import '@psa/ui/styles/ui.css';
import { startPortal } from '@psa/app/components/portal-root';
import { queries, router } from './routes.ts';

startPortal(router, queries);
