import type { Attachment, Comment } from '@psa/app/api/types';
import { expect, it } from 'vitest';
import { buildThread } from './thread.ts';

const comment = (id: string, at: string, visibility: Comment['visibility'] = 'public'): Comment => ({
  id,
  ticket_id: 't',
  visibility,
  body: id,
  author: { id: null, name: 'Anna', kind: 'staff' },
  created_at: `2026-11-21T${at}:00.000Z`,
  edited_at: null,
});
const file = (id: string, comment_id: string | null): Attachment => ({
  id,
  ticket_id: 't',
  comment_id,
  file_name: `${id}.png`,
  content_type: 'image/png',
  size: 1,
  sha256: '',
  visibility: 'public',
  uploaded_by: { id: null, name: 'Anna' },
  created_at: '2026-11-21T10:00:00.000Z',
});

it('puts pages in order, each comment once, with its files', () => {
  const pages = [
    [comment('c', '12:00'), comment('b', '11:00')],
    [comment('b', '11:00'), comment('a', '10:00')],
  ];
  const thread = buildThread(pages, [file('x', 'b'), file('y', null), file('z', 'b')]);
  expect(thread.messages.map((m) => [m.comment.id, m.files.map((f) => f.id)])).toEqual([
    ['a', []],
    ['b', ['x', 'z']],
    ['c', []],
  ]);
  expect(thread.opening.map((f) => f.id)).toEqual(['y']);
});

it('never shows an internal note, even if one were sent', () => {
  expect(buildThread([[comment('a', '10:00', 'internal')]], []).messages).toEqual([]);
});
