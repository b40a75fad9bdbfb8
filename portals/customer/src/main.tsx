import '@psa/ui/styles/ui.css';
import './styles/customer.css';
import './styles/ticket.css';
import { startPortal } from '@psa/app/components/portal-root';
import { PortalError } from './portal-error.tsx';
import { queries, router } from './routes.ts';

startPortal({ router, queries, rootError: PortalError });
