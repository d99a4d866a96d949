/** Who counts as a reader of an ending, at real sockets of two machines. */
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { relayAt, startMachines, tokenOf } from '../many-machines/machines.ts';
import { askEvents, askWhole, open } from '../support/http-doors.ts';
import { SECRET, startReceiver } from './receiver.ts';

const body = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] } as const;
const READERS = ['websocket', 'hangs-up-at-the-ending', 'events', 'json', 'elsewhere', 'elsewhere-events'];
const NO_READERS = ['nobody', 'suspended', 'cut'];

/** Streams whose user is told where nothing changes. */
function held(dataDir: string): string[] {
  const database = new DatabaseSync(ledgerFile(dataDir), { readOnly: true, timeout: 2000 });
  try {
    const rows = database
      .prepare("SELECT stream_id AS id FROM webhook_events WHERE type = 'stream.unread'")
      .all();
    return rows.map(({ id }) => String(id)).sort();
  } finally {
    database.close();
  }
}

it('is told of an ending that nobody reads, once, and of none that a reader holds, here or on another machine', async () => {
  await using receiver = await startReceiver();
  const webhook = { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET, ABANDON_AFTER_MS: '200' };
  await using machines = await startMachines(
    2,
    { pace: { firstTokenMs: 1500, deltasPerSecond: 100 } },
    webhook,
  );
  const [here, there] = [relayAt(machines, 0), relayAt(machines, 1)];
  const client = machines.client(here);
  const leaver = machines.client(here);
  const phone = machines.client(here);
  const elsewhere = machines.client(there);
  const gone = [machines.client(here), machines.client(here)] as const;
  await Promise.all([client, leaver, phone, elsewhere, ...gone].map((each) => each.connect()));
  const started = (by: typeof client, id: string) => by.start({ id, notify: 'absent' });

  const token = tokenOf(1);
  const read = started(client, 'websocket');
  started(phone, 'suspended');
  started(leaver, 'hangs-up-at-the-ending');
  leaver.onFrame = (frame) => {
    if (frame.type === 'done') void leaver.close();
  };
  const answers = [
    askEvents(here.url, token, { id: 'events', notify: 'absent', ...body }),
    askWhole(here.url, token, { id: 'json', notify: 'absent', ...body }),
  ];
  const left = [
    started(gone[0], 'nobody'),
    started(gone[0], 'elsewhere'),
    started(gone[0], 'elsewhere-events'),
  ];
  for (const stream of left) await gone[0].accepted(stream);
  await gone[0].close(); // longer ago than ABANDON_AFTER_MS at the end
  const cut = await open(`${here.url}/v1/chat`, {
    method: 'POST',
    token,
    body: { id: 'cut', notify: 'absent', ...body },
    headers: { accept: 'text/event-stream' },
  });
  cut.destroy();
  phone.pause(); // its kernel takes what comes
  const adopted = left.slice(1, 2).map((stream) => elsewhere.adopt(stream));
  for (const stream of adopted) elsewhere.resume(stream, 0);
  const events = { token, headers: { accept: 'text/event-stream' } };
  const whole = open(`${there.url}/v1/streams/elsewhere-events`, events).then((response) =>
    response.resume(),
  );

  await Promise.all([
    client.ended(read),
    ...adopted.map((stream) => elsewhere.ended(stream)),
    ...answers,
    whole,
  ]);
  const isEnded = (id: string) =>
    receiver.received.some((event) => event.type === 'stream.ended' && event.streamId === id);
  await receiver.until(() => [...READERS, ...NO_READERS].every(isEnded));
  await expect.poll(() => held(here.dataDir), { timeout: 8000 }).toEqual(NO_READERS.toSorted());

  const unread = () => receiver.received.filter(({ type }) => type === 'stream.unread');
  await receiver.until(() => unread().length === NO_READERS.length);
  expect(
    unread()
      .map(({ streamId }) => streamId)
      .sort(),
  ).toEqual(NO_READERS.toSorted());
  expect(unread().every(({ body: text }) => text.includes('"status":"done"'))).toBe(true);
  expect(held(there.dataDir)).toEqual([]);
  expect(receiver.forged).toBe(0);
});
