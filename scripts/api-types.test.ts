import { describe, expect, it } from 'vitest';
import { type ApiDocument, apiTypes, readDocuments } from './api-types.ts';

const ROOT = new URL('../', import.meta.url);

describe('the types of the API in the portals', () => {
  it('are what the services promise; `npm run golden` writes them', async () => {
    await expect(apiTypes(readDocuments(ROOT)), 'written by `npm run golden`').toMatchFileSnapshot(
      '../portals/app/src/api/schema.ts',
    );
  });

  it('say what is needed, what may be null, and name what is common', () => {
    const thing = {
      type: 'object',
      required: ['id', 'kind'],
      properties: {
        id: { type: 'string', format: 'uuid' },
        kind: { enum: ['a', 'b'] },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        parts: { type: 'array', items: { type: ['integer', 'null'] } },
      },
    };
    const answer = (data: object) => ({
      '2XX': {
        content: {
          'application/json': { schema: { type: 'object', required: ['data'], properties: { data } } },
        },
      },
    });
    const document = {
      paths: {
        '/api/v1/things': {
          get: { operationId: 'listThings', responses: answer({ type: 'array', items: thing }) },
        },
        '/api/v1/things/{id}': {
          patch: {
            operationId: 'updateThing',
            parameters: [{ in: 'path', name: 'id', required: true, schema: { type: 'string' } }],
            requestBody: {
              content: {
                'application/json': {
                  schema: { type: 'object', properties: { 'odd-name': { const: 1 } } },
                },
              },
            },
            responses: answer({ ...thing, description: 'the same in other words' }),
          },
          delete: { operationId: 'deleteThing', responses: { '204': {} } },
        },
      },
    } as ApiDocument;
    const text = apiTypes([document]);
    expect(text).toContain(
      "export interface Things { id: string; kind: 'a' | 'b'; note?: string | null; parts?: (number | null)[]; }",
    );
    expect(text).toContain("'GET /things': { data: Things[]; };");
    expect(text).toContain(
      "'PATCH /things/{id}': { path: { id: string; }; body: { 'odd-name'?: 1; }; data: Things; };",
    );
    expect(text).toContain("'DELETE /things/{id}': { data: undefined; };");
  });
});
