import { describe, expect, it } from 'vitest';
import { keepLines } from './log-lines.ts';

describe('the logger', () => {
  it('writes JSON with level, time, version and instance', () => {
    const { logger, parsed } = keepLines();
    logger.info({ connectionId: 'c1' }, 'connection opened');
    expect(parsed()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        version: '1.2.3',
        instanceId: 'machine-a',
        event: 'connection_opened',
        connectionId: 'c1',
        msg: 'connection opened',
      },
    ]);
  });

  it('keeps hostile text in one line', () => {
    const { logger, lines } = keepLines();
    logger.info({ origin: '\r\n{"level":"fatal"}\u001b[31m\u2028' }, 'refused');
    expect(lines).toHaveLength(1);
    for (const control of ['\r', '\n', '\u001b']) expect(lines[0]?.trimEnd()).not.toContain(control);
  });

  it('redacts what is named as a secret', () => {
    const { logger, lines } = keepLines();
    const canary = 'canary-secret';
    const lists: object[] = [
      { token: canary, authorization: canary, apiKey: canary, password: canary, secret: canary },
      { headers: { authorization: canary, 'sec-websocket-protocol': canary, host: 'kept' } },
    ];
    for (const fields of lists) logger.info(fields, 'refused');
    expect(lines.join('')).not.toContain(canary);
    expect(lines.join('')).toContain('kept');
  });

  it('never writes the message of an error', () => {
    const { logger, lines } = keepLines();
    const error = new Error('canary', { cause: new Error('canary') });
    const lists: object[] = [{ err: error }, { error, cause: error }];
    for (const fields of lists) logger.error(fields, 'failed');
    expect(lines.join('')).not.toContain('canary');
    expect(lines.join('')).toContain('logger.test');
  });

  it('writes nothing below its level', () => {
    const { logger, lines } = keepLines('warn');
    logger.info('stopped');
    expect(lines).toEqual([]);
    logger.warn('no ANTHROPIC_API_KEY: answers come from the simulated model');
    expect(lines).toHaveLength(1);
  });
});
