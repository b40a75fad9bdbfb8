import '@psa/ui/styles/ui.css';
import './styles/customer.css';
import './styles/ticket.css';
import { startPortal } from '@psa/ui/components/portal-root';
import { queries, router } from './routes.tsx';

startPortal(router, queries);
