import { describe, expect, it } from 'vitest';
import { environmentTable, readConfig } from '../../src/config/environment.ts';

describe('the environment table', () => {
  const rows = environmentTable();

  it('has every key once, with a description', () => {
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
    for (const { key, description } of rows) expect(description, key).not.toBe('');
    expect(rows.map(({ key }) => key)).toEqual(
      expect.arrayContaining(Object.keys(readConfig({})).filter(isKey)),
    );
  });

  it('gives the unit of every key that has one', () => {
    for (const { key, description } of rows) {
      if (key.endsWith('_MS')) expect(description, key).toContain(', ms');
      if (key.endsWith('_BYTES')) expect(description, key).toContain(', bytes');
    }
  });

  it('shows the defaults of both modes', () => {
    expect(rows).toContainEqual(
      expect.objectContaining({ key: 'HOST', development: '127.0.0.1', production: '0.0.0.0' }),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ key: 'REDIS_URL', development: null, production: null }),
    );
  });
});

function isKey(name: string): boolean {
  return name === name.toUpperCase();
}
