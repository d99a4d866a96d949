import { afterEach, describe, expect, it, vi } from 'vitest';
import { contrast, lowContrasts, warnOfLowContrast } from '../../src/react/assistant/contrast.ts';
import { DARK, LIGHT } from '../../src/react/assistant/theme.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it('measures as WCAG does, in either order and in short digits', () => {
  expect(contrast('#000000', '#ffffff')).toBe(21);
  expect(contrast('#fff', '#000')).toBe(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
  expect(contrast('rgb(0, 0, 0)', '#ffffff')).toBeUndefined();
});

describe.each([LIGHT, DARK])('the palette $scheme', (palette) => {
  it('has nothing that is too close', () => {
    expect(lowContrasts(palette)).toEqual([]);
  });
});

describe('colours of an app', () => {
  it('are named where they are too close, by both colours, the ratio and the least that is needed', () => {
    const close = { ...LIGHT, accent: '#ffcc00', outline: '#eeeeee' };
    expect(lowContrasts(close)).toEqual([
      expect.stringMatching(/^colors\.accent on colors\.sidebar is 1\.\d\d to 1; 4\.5 is the least$/),
      expect.stringMatching(/^colors\.onAccent on colors\.accent is 1\.\d\d to 1; 4\.5 is the least$/),
      expect.stringMatching(/^colors\.outline on colors\.background is 1\.\d\d to 1; 3 is the least$/),
      expect.stringMatching(/^colors\.outline on colors\.surface is 1\.\d\d to 1; 3 is the least$/),
    ]);
  });

  it('that are not written in hex digits are not judged', () => {
    expect(lowContrasts({ ...LIGHT, accent: 'gold' })).toEqual([]);
  });

  it('are warned of while the app is developed, and not in production', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const close = { ...DARK, danger: '#3b201d' };
    warnOfLowContrast(close);
    expect(warn.mock.calls).toEqual([
      ['DashAssistant: colors.danger on colors.dangerSoft is 1.00 to 1; 4.5 is the least'],
    ]);
    vi.stubEnv('NODE_ENV', 'production');
    warnOfLowContrast(close);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
