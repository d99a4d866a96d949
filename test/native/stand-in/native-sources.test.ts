/**
 * What the stand-in knows of the native halves, read again from React Native's own sources: where a release changes one
 * of these, this fails, and the double has to be looked at.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Platform } from '../native-bundle.ts';
import { NODE_MODULES } from '../react-native-source.ts';
import { startPhone } from './phone.ts';

const ANDROID = 'ReactAndroid/src/main/java/com/facebook/react/modules';
const SOCKETS_OF_ANDROID = `${ANDROID}/websocket/WebSocketModule.kt`;
const SOCKETS_OF_IOS = 'React/CoreModules/RCTWebSocketModule.mm';
const EVENTS = ['websocketOpen', 'websocketMessage', 'websocketClosed', 'websocketFailed'];
/** Text only: what is binary is no part of the protocol. Cookies are not ours. */
const LEFT_OUT = ['sendBinary', 'clearCookies'];

describe.each<Platform>(['android', 'ios'])('on %s', (platform) => {
  const networking = platform === 'ios' ? 'NativeNetworkingIOS' : 'NativeNetworkingAndroid';

  it.each([
    ['WebSocketModule', 'NativeWebSocketModule'],
    ['Networking', networking],
    ['AppState', 'NativeAppState'],
  ])('%s has every method that %s names', async (name, spec) => {
    const { native } = await startPhone({ platform });
    const text = sourceOf(`src/private/specs_DEPRECATED/modules/${spec}.js`);
    const methods = Array.from(text.matchAll(/^ {2}readonly (\w+): \(/gm), ([, method = '']) => method);
    expect(methods.length).toBeGreaterThan(2);
    const absent = methods.filter((method) => !(method in (native.get(name) ?? {})));
    expect(absent.filter((method) => !LEFT_OUT.includes(method))).toEqual([]);
  });
});

it.each([
  ['WebSocket.js', 'Libraries/WebSocket/WebSocket.js', /addListener\('(websocket\w+)'/g],
  ['Android', SOCKETS_OF_ANDROID, /sendEvent\("(websocket\w+)"/g],
  ['iOS', SOCKETS_OF_IOS, /sendEventWithName:@"(websocket\w+)"/g],
])('%s knows the four events of a socket', (_, path, pattern) => {
  const events = Array.from(sourceOf(path).matchAll(pattern), ([, event]) => event);
  expect([...new Set(events)].toSorted()).toEqual(EVENTS.toSorted());
});

it.each([
  [
    'Android knows a socket only once it is open',
    SOCKETS_OF_ANDROID,
    /fun onOpen\([^)]*\) \{\s*webSocketConnections\[id\] = webSocket\n/,
  ],
  [
    'Android closes no socket that it does not know',
    SOCKETS_OF_ANDROID,
    /fun close\([^{]*\{\s*val id = [^\n]*\n\s*val client = webSocketConnections\[id\]\s*if \(client == null\) \{[^}]*return\s*\}/,
  ],
  [
    'Android names the origin where the app does not',
    SOCKETS_OF_ANDROID,
    /if \(!hasOriginHeader\) \{\s*builder\.addHeader\("origin", getDefaultOrigin\(url\)\)/,
  ],
  ['Android waits for text without a limit', SOCKETS_OF_ANDROID, /\.readTimeout\(0, TimeUnit\.MINUTES\)/],
  [
    'Android tells of a broken socket by one event',
    SOCKETS_OF_ANDROID,
    /fun onFailure\([^{]*\{(?:(?!override)[\s\S])*?notifyWebSocketFailed\(id, t\.message\)/,
  ],
  [
    'Android’s timers stand still in the background, whatever else runs',
    `${ANDROID}/core/JavaTimerManager.kt`,
    /fun onHostPause\(\) \{\s*isPaused\.set\(true\)\s*clearFrameCallback\(\)/,
  ],
  [
    'iOS knows a socket before it opens',
    SOCKETS_OF_IOS,
    /_sockets\[@\(socketID\)\] = webSocket;[\s\S]*\[webSocket open\];/,
  ],
  [
    'iOS stops its timers in the background',
    'React/CoreModules/RCTTiming.mm',
    /- \(void\)appDidMoveToBackground\s*\{[^}]*\[self stopTimers\];\s*_inBackground = YES;/,
  ],
])('%s', (_, path, fact) => {
  expect(sourceOf(path)).toMatch(fact);
});

function sourceOf(path: string): string {
  return readFileSync(join(NODE_MODULES, 'react-native', path), 'utf8');
}
