import { expect, it } from 'vitest';
import { cutChats } from '../ai-sdk/cuts.ts';
import { SDK_DOOR } from './door.ts';

const CUTS = 30;

it(`${CUTS} random cuts by dashChatTransport, which hears of none: every text is whole, once, with one call and one row`, async () => {
  const { resumes } = await cutChats(SDK_DOOR, CUTS);
  expect(resumes, 'by the library').toBe(0);
}, 60_000);
