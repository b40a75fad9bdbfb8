import { define } from '../../command.ts';

interface Options {
  readonly rotate?: boolean;
}

interface Shown {
  readonly file: string;
  /** Null: there is none, or it is about to be made. */
  readonly public_key: string | null;
  /** The key before, which the inventory still has to name. */
  readonly old_public_key: string | null;
  readonly action: 'keep' | 'make' | 'rotate';
}

export const secretsSigningKey = define<Options, Shown, null, Shown>({
  summary: 'Shows the key that this machine signs releases and templates with; makes it where there is none',
  description: `
The secret key stays on the machine that builds (PSA_SIGNING_KEY, else ~/.config/psactl/signing.key). Its public key stands
in the inventory, under releases.public_keys: nothing else is pushed, deployed or applied. The format is minisign's.`,
  options: [
    { flags: '--rotate', description: 'make a new one in its place; the old one is kept beside as .old' },
  ],
  examples: [
    { run: 'psactl secrets signing-key', note: 'the line for the inventory' },
    { run: 'psactl secrets signing-key --rotate --dry-run', note: 'which key would go' },
  ],
  async plan({ options, io }) {
    const { readSigningKey, signingKeyFile } = await import('@psa/appliance/signing/key-file');
    const file = signingKeyFile(io.env);
    const public_key = (await readSigningKey(file))?.publicKey ?? null;
    const action = public_key === null ? 'make' : options.rotate ? 'rotate' : 'keep';
    return { data: { file, public_key, old_public_key: null, action }, carry: null };
  },
  renderPlan: ({ file, public_key, action }) =>
    ({
      make: `Would make a key in ${file}.\n`,
      keep: `Would keep the key ${public_key} in ${file}.\n`,
      rotate: `Would put a new key in place of ${public_key} in ${file}.\n`,
    })[action],
  async apply({ data }) {
    const { ensureSigningKey, rotateSigningKey } = await import('@psa/appliance/signing/key-file');
    if (data.action === 'keep') return data;
    const key =
      data.action === 'make' ? (await ensureSigningKey(data.file)).key : await rotateSigningKey(data.file);
    return { ...data, public_key: key.publicKey, old_public_key: data.public_key };
  },
  render: ({ file, public_key, old_public_key }) =>
    old_public_key === null
      ? `public_keys: [${public_key}]\nIt belongs into the inventory, under releases. The secret key stands in ${file}.\n`
      : `public_keys: [${public_key}, ${old_public_key}]
The inventory names both, under releases, until all is signed anew: "npm run release", "psactl template build". Then the
second one goes. The secret key stands in ${file}, the one before in ${file}.old.\n`,
});
