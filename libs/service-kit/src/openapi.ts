import swagger from '@fastify/swagger';
import { ErrorBody } from '@psa/contracts/common';
import { DETAIL_CODES } from '@psa/contracts/detail-codes';
import type { App } from './app.ts';
import type { ListSpec } from './list.ts';

/** What every document says of refusals: once, because each route answers with the same body. */
export const ABOUT_ERRORS = [
  'A refused request says in `error.details` what is wrong with which field. `code` is stable; `message` is English prose that may change. `values` holds what is named in brackets.',
  '',
  ...Object.entries(DETAIL_CODES).map(([code, meaning]) => `- \`${code}\`: ${meaning}`),
].join('\n');

interface QuerySchema {
  readonly properties: Readonly<Record<string, object>>;
}

/** The query parameters of a list with the values that `sort`, `fields` and `include` take. */
function naming(query: QuerySchema, list: ListSpec): QuerySchema {
  const values = {
    sort: Object.keys(list.sortable),
    fields: list.fields,
    include: list.includes ?? [],
  };
  const named = Object.entries(values).flatMap(([name, names]) => {
    const parameter = query.properties[name];
    const description =
      names.length > 0
        ? `by comma, of: ${names.map((one) => `\`${one}\``).join(', ')}`
        : 'nothing can be included';
    return parameter ? [[name, { ...parameter, description, 'x-values': names }] as const] : [];
  });
  return { ...query, properties: { ...query.properties, ...Object.fromEntries(named) } };
}

/** Collects the schemas of a service's routes into an OpenAPI 3.1 document (`app.swagger()`). */
export async function registerOpenApi(
  app: App,
  service: { name: string; title: string },
  version: string,
): Promise<void> {
  app.addHook('onRoute', (route) => {
    const permission = route.config?.permission;
    const schema = (route.schema ??= {}) as Record<string, unknown>;
    if (schema.hide) return;
    schema.tags ??= [service.name];
    if (route.config?.list) schema.querystring = naming(schema.querystring as QuerySchema, route.config.list);
    if (permission) {
      schema.security = [{ bearer: [] }];
      schema.description = `${schema.description ? `${schema.description}\n\n` : ''}Permission: ${[permission]
        .flat()
        .map((p) => `\`${p}\``)
        .join(' or ')}.`;
    } else schema.security = [];
    const responses = (schema.response ??= {}) as Record<string, unknown>;
    responses['4xx'] ??= ErrorBody;
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `PSA-Platform: ${service.title}`, version, description: ABOUT_ERRORS },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    hideUntagged: false,
  });
}
