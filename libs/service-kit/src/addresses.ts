import type { ServiceName } from '@psa/contracts/services';
import { ConfigError } from './config.ts';

/**
 * Where each service is: `named` (`auth=http://10.0.20.11:3001,crm=…`) where it says so, else `pattern` with
 * `{service}` replaced. `variable` is what errors call the setting. @throws ConfigError on an entry of another form
 */
export function addressBook(
  variable: string,
  named: string,
  pattern: string,
): (service: ServiceName) => string {
  const entries = named.split(',').filter((entry) => entry.trim() !== '');
  const book = new Map(
    entries.map((entry) => {
      const [, name, address] = /^\s*([a-z-]+)=(https?:\/\/[^\s|]+)\s*$/.exec(entry) ?? [];
      if (!name || !address || !URL.canParse(address))
        throw new ConfigError(`${variable}: "${entry}" is not of the form name=http://address.`);
      return [name, address];
    }),
  );
  return (service) => book.get(service) ?? pattern.replace('{service}', service);
}
