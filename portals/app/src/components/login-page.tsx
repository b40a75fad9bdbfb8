import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { Link, useNavigate, useSearchParams } from '../router.tsx';
import { type Me, otherPortal, safeNext } from '../session/session.ts';
import { LoginForm } from './login-form.tsx';

/**
 * Login page of a portal: afterwards to where one wanted to go, or over to one's own portal. `forgotPath` is
 * where the portal serves ForgotPasswordPage.
 */
export function LoginPage(props: {
  brand: string;
  logo: string;
  audience: Me['audience'];
  forgotPath?: string;
}) {
  const t = uiMessages.useT();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const reason = params.get('reason');
  return (
    <LoginForm
      brand={props.brand}
      logo={props.logo}
      notice={reason === 'expired' || reason === 'signed_out' ? reason : null}
      footer={
        props.forgotPath && (
          <Link className="link-button" to={props.forgotPath}>
            {t('login.forgot')}
          </Link>
        )
      }
      onSignedIn={(me) => {
        const elsewhere = otherPortal(me, props.audience);
        if (elsewhere) window.location.assign(elsewhere);
        else void navigate(safeNext(params.get('next')), { replace: true });
      }}
    />
  );
}
