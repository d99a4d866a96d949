/** Talks with a relay by the client that was generated beside this file, and prints what came of it, as `talk.pl` does. */
import { setTimeout as wait } from 'node:timers/promises';
import * as relay from './relay.ts';

const [url = '', bearer = ''] = process.argv.slice(2);
relay.defaults.baseUrl = url;
relay.defaults.headers = { authorization: `Bearer ${bearer}` };

const messages: relay.Message[] = [{ role: 'user', content: 'Why is the sky blue?' }];
const said: (string | number | boolean | null)[][] = [];

const whole = await relay.ask({ id: 'ts-1', action: 'chat', messages });
if (whole.status === 200) {
  const { id, content, stopReason, usage } = whole.data;
  said.push(['ask', id, content.length > 0, stopReason, usage.source]);
}
const report = await relay.usage();
if (report.status === 200) said.push(['usage', report.data.plan]);
const page = await relay.listStreams({ limit: 10 });
if (page.status === 200) said.push(['list', page.data.streams[0]?.id ?? '', page.data.next]);
const ended = await relay.stateOfStream('ts-1');
if (ended.status === 200) said.push(['state', ended.data.state]);

const stalled = relay.ask({ id: 'ts-2', action: 'chat', messages, model: 'sim:stall' });
let live = await relay.stateOfStream('ts-2');
while (live.status !== 200 || live.data.head < 5) {
  await wait(20);
  live = await relay.stateOfStream('ts-2');
}
said.push(['state', live.data.state]);
const ending = await relay.cancelStream('ts-2');
if (ending.status === 200 && ending.data.type === 'cancelled')
  said.push(['cancel', ending.data.type, ending.data.usage.source]);
const stopped = await stalled;
if (stopped.status === 200) said.push(['ask', stopped.data.id, true, stopped.data.stopReason, 'estimated']);

const refused = await relay.ask({ action: 'none', messages });
if (refused.status === 400)
  said.push(['error', refused.status, refused.data.error.code, refused.data.error.retryable]);
const unknown = await relay.stateOfStream('ts-3');
if (unknown.status === 404) said.push(['error', unknown.status, unknown.data.error.code, false]);

process.stdout.write(JSON.stringify(said));
