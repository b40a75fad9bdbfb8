import { Nullable, Timestamp, Uuid } from '@psa/contracts/common';
import fc from 'fast-check';
import Type from 'typebox';
import { expect, it } from 'vitest';
import { serializerFor } from './serialization.ts';

const Answer = Type.Object({
  id: Uuid,
  at: Timestamp,
  done: Nullable(Timestamp),
  format: Type.String(),
  ref: Nullable(Type.Object({ id: Nullable(Uuid), name: Type.String() })),
  list: Nullable(Type.Array(Nullable(Type.Integer()))),
  either: Type.Union([Type.String(), Type.Integer(), Type.Null()]),
  maybe: Type.Optional(Nullable(Type.Boolean())),
});

it('writes what JSON.stringify writes, null included', () => {
  const write = serializerFor(Answer);
  const text = fc.string({ unit: 'binary' });
  const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
  fc.assert(
    fc.property(
      fc.record(
        {
          id: text,
          at: text,
          done: orNull(text),
          format: text,
          ref: orNull(fc.record({ id: orNull(text), name: text })),
          list: orNull(fc.array(orNull(fc.integer()))),
          either: fc.oneof(text, fc.integer(), fc.constant(null)),
          maybe: orNull(fc.boolean()),
        },
        { requiredKeys: ['id', 'at', 'done', 'format', 'ref', 'list', 'either'] },
      ),
      (value) => {
        expect(JSON.parse(write(value))).toEqual(JSON.parse(JSON.stringify(value)));
      },
    ),
  );
});

it('leaves out what the schema does not name', () => {
  const write = serializerFor(Answer);
  const value = { id: '1', at: '2', done: null, format: 'f', ref: { id: null, name: 'n', secret: 's' } };
  expect(JSON.parse(write({ ...value, list: null, either: 1, password: 'p' }))).toEqual({
    ...value,
    ref: { id: null, name: 'n' },
    list: null,
    either: 1,
  });
});
