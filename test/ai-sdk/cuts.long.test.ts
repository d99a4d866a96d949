import { expect, it } from 'vitest';
import { CHAT_DOORS } from './chats.ts';
import { cutChats } from './cuts.ts';

const CUTS = 1000;

it.each(CHAT_DOORS)(
  `${CUTS} random cuts by $name, resumed: every text is whole, once, with one call and one row`,
  async (door) => {
    await cutChats(door, CUTS);
    expect.hasAssertions();
  },
  600_000,
);
