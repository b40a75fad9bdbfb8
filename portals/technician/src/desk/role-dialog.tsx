import { fieldTexts } from '@psa/app/api/field-text';
import type { Role } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { useDraft } from '@psa/app/drafts/use-draft';
import { useMe } from '@psa/app/session/session';
import { grants, type Permission } from '@psa/contracts/permissions';
import { Checkbox } from '@psa/ui/components/checkbox';
import { NativeSelect } from '@psa/ui/components/native-select';
import { TextField } from '@psa/ui/components/text-field';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { FormDialog } from '../components/form-dialog.tsx';
import { permissionMessages } from '../i18n/permission-messages.ts';
import { messages } from '../i18n/settings-messages.ts';
import { groupsFor, nameOf, spelt } from './role-permissions.ts';
import { useDeskSaving } from './use-desk-saving.ts';

const NAME = /^[a-z][a-z0-9_]{1,48}$/;

interface RoleDraft {
  readonly de: string;
  readonly en: string;
  /** Empty: the one that the English title suggests. */
  readonly name: string;
  readonly audience: Role['audience'];
  readonly permissions: readonly string[];
}

/**
 * Makes or changes a role, its permissions by resource. Roles of the platform can be changed and not deleted; the
 * administrators' holds everything and keeps it.
 */
export function RoleDialog(props: { role: Role | null; all: readonly string[]; onClose: () => void }) {
  const t = messages.useT();
  const [language] = useLanguage();
  const { role, all } = props;
  const draft = useDraft<RoleDraft>(`edit.role.${role?.id ?? 'new'}`, {
    de: role?.title.de ?? '',
    en: role?.title.en ?? '',
    name: '',
    audience: role?.audience ?? 'staff',
    permissions: role ? spelt(role.permissions, all) : [],
  });
  const { de, en, audience } = draft.value;
  const name = draft.value.name.trim() || nameOf(en);
  const title = { de: de.trim(), en: en.trim() };
  const desk = useDeskSaving('/roles', 'role', title[language]);
  const whole = role?.permissions.includes('*') === true;
  const groups = groupsFor(audience, all);
  const fit = new Set(groups.flatMap(({ names }) => names));
  const permissions = draft.value.permissions.filter((one) => fit.has(one));
  const before = role ? spelt(role.permissions, all) : [];
  // What is written as `ticket:*` stays so until somebody chooses otherwise.
  const changed = before.length !== permissions.length || before.some((one) => !permissions.includes(one));
  const isNameGood = role !== null || NAME.test(name);
  const missing = (text: string) => (text === '' ? t('name_missing') : null);
  return (
    <FormDialog
      wide
      title={role ? t('edit', { name: role.title[language] }) : t('role.new')}
      draft={draft}
      isValid={title.de !== '' && title.en !== '' && isNameGood}
      conflict={t('conflict')}
      onSave={(key) =>
        role
          ? desk.save(role, { title, ...(changed && !whole ? { permissions } : {}) }, key)
          : desk.save(null, { name, title, audience, permissions }, key)
      }
      onClose={props.onClose}
      extra={
        role &&
        !role.system && (
          <DeleteAction
            question={t('delete_sure', { name: role.title[language] })}
            onDelete={() => desk.remove(role).then(props.onClose)}
          />
        )
      }
    >
      {({ tried, error }) => {
        const refused = fieldTexts(error);
        return (
          <>
            <TextField
              autoFocus
              isRequired
              label={t('role.title_de')}
              maxLength={100}
              value={de}
              error={(tried ? missing(title.de) : null) ?? refused['title.de'] ?? null}
              onChange={(text) => draft.change({ de: text })}
            />
            <TextField
              isRequired
              label={t('role.title_en')}
              maxLength={100}
              value={en}
              error={(tried ? missing(title.en) : null) ?? refused['title.en'] ?? null}
              onChange={(text) => draft.change({ en: text })}
            />
            {!role && (
              <>
                <TextField
                  isRequired
                  label={t('role.name')}
                  hint={t('role.name_hint')}
                  maxLength={49}
                  value={draft.value.name || nameOf(en)}
                  error={(tried && !isNameGood ? t('role.name_bad') : null) ?? refused.name ?? null}
                  onChange={(text) => draft.change({ name: text })}
                />
                <NativeSelect
                  label={t('role.audience')}
                  value={audience}
                  options={(['staff', 'customer'] as const).map((value) => ({
                    value,
                    label: t(`role.audience.${value}`),
                  }))}
                  onChange={(value) => draft.change({ audience: value as Role['audience'] })}
                />
              </>
            )}
            {whole ? (
              <p className="muted">{t('role.everything')}</p>
            ) : (
              groups.map((group) => (
                <Permissions
                  key={group.resource}
                  {...group}
                  chosen={permissions}
                  onChange={(next) => draft.change({ permissions: next })}
                />
              ))
            )}
          </>
        );
      }}
    </FormDialog>
  );
}

/** The permissions of one resource, with a box for all of them. Those that one does not hold oneself stay as they are. */
function Permissions(props: {
  resource: string;
  names: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}) {
  const t = messages.useT();
  const p = permissionMessages.useT();
  // A resource or permission of a newer service has no words here: its name is shown.
  const words = (name: string) => p(name as Parameters<typeof p>[0]);
  const me = useMe();
  const held = new Set(me.permissions);
  const { names, chosen } = props;
  const mine = names.filter((name) => grants(held, name as Permission));
  const on = mine.filter((name) => chosen.includes(name));
  const set = (changed: readonly string[], isOn: boolean) =>
    props.onChange([...chosen.filter((name) => !changed.includes(name)), ...(isOn ? changed : [])]);
  return (
    <fieldset className="plain-fieldset">
      <legend className="label">{words(props.resource)}</legend>
      {names.length > 1 && mine.length > 0 && (
        <Checkbox
          isSelected={on.length === mine.length}
          isIndeterminate={on.length > 0 && on.length < mine.length}
          onChange={(isOn) => set(mine, isOn)}
        >
          {t('role.all_of', { group: words(props.resource) })}
        </Checkbox>
      )}
      <div className="checks">
        {names.map((name) => (
          <Checkbox
            key={name}
            isSelected={chosen.includes(name)}
            isDisabled={!mine.includes(name)}
            onChange={(isOn) => set([name], isOn)}
          >
            {words(name)}
          </Checkbox>
        ))}
      </div>
      {mine.length < names.length && <p className="muted">{t('role.not_yours')}</p>}
    </fieldset>
  );
}
