import '@psa/ui/styles/ui.css';
import { startPortal } from '@psa/ui/components/portal-root';
import { queries, router } from './routes.tsx';

startPortal(router, queries);
