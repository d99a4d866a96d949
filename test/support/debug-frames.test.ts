import { expect, it } from 'vitest';
import { describeFrame } from './debug-frames.ts';

it.each([
  [
    { type: 'start', id: 'a-1', action: 'chat', messages: [{ role: 'user', content: 'my secret' }] },
    'start id=a-1 action=<4 characters> messages=<1 items>',
  ],
  [
    { type: 'chunk', id: 'a-1', seq: 3, count: 2, content: 'my secret' },
    'chunk id=a-1 seq=3 count=2 content=<9 characters>',
  ],
  [{ type: 'resume', id: 'a-1', epoch: 'e_9', after: 12 }, 'resume id=a-1 epoch=e_9 after=12'],
  [{ type: 'auth', token: 'my.secret.jwt' }, 'auth token=<13 characters>'],
  [
    { type: 'error', code: 'conflict', of: 'start', retryable: false, message: 'my secret' },
    'error code=conflict of=start retryable=false message=<9 characters>',
  ],
  [
    { type: 'event', id: 'a', seq: 1, event: { text: 'my secret' } },
    'event id=a seq=1 event=<20 characters>',
  ],
  // What a hostile test sends where a name should be.
  [{ type: 'my secret', id: 'my secret' }, '<9 characters> id=<9 characters>'],
  [{ 'my secret': null }, 'undefined <9 characters>=null'],
])('says of %j how much it is, and no word of it', (frame, described) => {
  expect(describeFrame(frame)).toBe(described);
  expect(describeFrame(JSON.stringify(frame))).toBe(described);
});

it.each(['my secret', '"my secret"', '{"type":"chunk","content":"my sec'])(
  'says so of %j, no frame',
  (text) => {
    expect(describeFrame(text)).toBe(`<${text.length} characters that are no frame>`);
  },
);
