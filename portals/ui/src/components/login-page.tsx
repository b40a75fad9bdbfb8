import { useNavigate, useSearchParams } from 'react-router';
import { type Me, otherPortal, safeNext } from '../session.ts';
import { LoginForm } from './login-form.tsx';

/** Login page of a portal: afterwards to where one wanted to go, or over to one's own portal. */
export function LoginPage(props: { brand: string; logo: string; audience: Me['audience'] }) {
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const reason = params.get('reason');
  return (
    <LoginForm
      brand={props.brand}
      logo={props.logo}
      notice={reason === 'expired' || reason === 'signed_out' ? reason : null}
      onSignedIn={(me) => {
        const elsewhere = otherPortal(me, props.audience);
        if (elsewhere) window.location.assign(elsewhere);
        else void navigate(safeNext(params.get('next')), { replace: true });
      }}
    />
  );
}
