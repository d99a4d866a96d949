import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { eventsOf, HEADERS, question, until } from './ask.ts';
import { selfSigned } from './self-signed.ts';

describe('over TLS', () => {
  const tls = selfSigned();
  let simulator: Simulator;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED, tls, maxConcurrentStreams: 3 });
  });
  afterAll(() => simulator.close());
  beforeEach(() => {
    session = connect(simulator.url, { ca: tls.cert });
    session.on('error', () => {});
  });
  afterEach(async () => {
    session.destroy();
    await until(() => simulator.stats.open === 0);
  });

  const ask = (model: string) => {
    const stream = session.request({ ':method': 'POST', ':path': '/v1/messages', ...HEADERS });
    const heard = { text: '', code: -1, closed: false };
    stream.setEncoding('utf8').on('data', (part: string) => {
      heard.text += part;
    });
    stream.on('error', () => {});
    stream.once('close', () => {
      heard.code = stream.rstCode;
      heard.closed = true;
    });
    stream.end(JSON.stringify({ ...question('Explain gravity', model), stream: true }));
    return { stream, heard };
  };

  it('speaks HTTP/2 by ALPN', async () => {
    const { heard } = ask('claude-sonnet-5-5');
    await until(() => heard.closed);
    expect(session.alpnProtocol).toBe('h2');
    expect(heard.code).toBe(constants.NGHTTP2_NO_ERROR);
    expect(eventsOf(heard.text).at(-1)?.type).toBe('message_stop');
  });

  it('speaks HTTP/1.1 to a client that knows nothing else', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const body = JSON.stringify({ ...question('Explain gravity'), stream: true });
      const asked = request(`${simulator.url}/v1/messages`, {
        method: 'POST',
        headers: HEADERS,
        ca: tls.cert,
        agent: false,
      });
      asked.once('error', reject);
      asked.once('response', (response) => {
        let heard = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          heard += part;
        });
        response.once('end', () => resolve(heard));
      });
      asked.end(body);
    });
    expect(eventsOf(text).at(-1)?.type).toBe('message_stop');
  });

  it('resets one stream and leaves its neighbours alone', async () => {
    const { heard: broken } = ask('sim:reset');
    const { heard: whole } = ask('claude-sonnet-5-5');
    await until(() => broken.closed && whole.closed);
    expect(broken.code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect(eventsOf(whole.text).at(-1)?.type).toBe('message_stop');
  });

  it('disconnects all streams of a connection', async () => {
    const { heard: stalled } = ask('sim:stall');
    await until(() => stalled.text !== '');
    const { heard: broken } = ask('sim:disconnect');
    await until(() => stalled.closed && broken.closed);
    expect(session.destroyed).toBe(true);
  });

  it('sees a cancelled stream and stops generating', async () => {
    const { stream, heard } = ask('sim:stall');
    await until(() => heard.text !== '');
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => simulator.stats.open === 0);
    expect(simulator.requests.at(-1)?.aborted).toBe(true);
  });

  it('announces how many streams it takes, and says GOAWAY when told', async () => {
    const { stream, heard } = ask('sim:stall');
    await until(() => heard.text !== '');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(3);
    let goneAway = false;
    session.once('goaway', () => {
      goneAway = true;
    });
    simulator.goAway();
    await until(() => goneAway);
    expect(simulator.stats.open).toBe(1);
    stream.close(constants.NGHTTP2_CANCEL);
  });

  it('answers refusals and long bodies whole', async () => {
    const { heard: refused } = ask('sim:overloaded');
    const { heard: long } = ask('sim:long');
    await until(() => refused.closed && long.closed);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'overloaded_error' } });
    expect(eventsOf(long.text).at(-1)?.type).toBe('message_stop');
  });
});
