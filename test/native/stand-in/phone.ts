/**
 * A phone without the phone: React Native's own WebSocket, fetch, AbortController and AppState, as its package has
 * them, in a realm with nothing of Node or of a browser, and the client built into the same realm as Metro would.
 * Stood in for are only the native modules below and the clock.
 */
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { onTestFinished } from 'vitest';
import type { createAIService, createDashClient, NetInfoLike } from '../../../src/react-native/index.ts';
import type { Platform } from '../native-bundle.ts';
import { buildProgram } from '../react-native-program.ts';
import { type Emit, NativeModules, type Suspension } from './native-modules.ts';
import { PhoneClock } from './phone-clock.ts';

export interface PhoneOptions {
  readonly platform?: Platform;
  /** Unix ms. */
  readonly startedAt?: number;
  /** See PhoneClock. */
  readonly sleeps?: boolean;
}

/** The globals of an app, and what it imports. */
export interface PhoneRealm {
  readonly WebSocket: new (
    url: string,
    protocols?: string | readonly string[] | null,
    options?: object,
  ) => PhoneWebSocket;
  readonly fetch: (url: string, init?: object) => Promise<Response>;
  readonly AbortController: typeof AbortController;
  readonly crypto?: undefined;
  readonly app: {
    readonly createDashClient: typeof createDashClient;
    readonly createAIService: typeof createAIService;
    readonly AppState: {
      readonly currentState: string;
      addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
    };
    readonly emit: Emit;
  };
}

export interface PhoneWebSocket {
  onopen: ((event: object) => void) | null;
  onmessage: ((event: { data?: unknown }) => void) | null;
  onclose: ((event: { code?: number; reason?: string }) => void) | null;
  onerror: ((event: object) => void) | null;
  readonly readyState: number;
  readonly protocol?: string;
  readonly bufferedAmount?: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

const ENTRY = `
import 'react-native/Libraries/Core/setUpGlobals';
import 'react-native/Libraries/Core/setUpXHR';
import AppState from 'react-native/Libraries/AppState/AppState';
import events from 'react-native/Libraries/EventEmitter/RCTDeviceEventEmitter';
import { createAIService, createDashClient } from ${JSON.stringify(fileURLToPath(new URL('../../../src/react-native/index.ts', import.meta.url)))};
globalThis.app = { AppState, createAIService, createDashClient, emit: (...event) => events.emit(...event) };
`;

const SILENT = { log() {}, info() {}, warn() {}, error() {} };
const programs = new Map<Platform, Promise<string>>();

export class Phone {
  readonly clock: PhoneClock;
  readonly native: NativeModules;
  readonly realm: PhoneRealm;
  readonly #networkListeners = new Set<Parameters<NetInfoLike['addEventListener']>[0]>();
  #network = { isConnected: true, type: 'wifi' };

  /** Use `startPhone`. */
  constructor(
    program: string,
    { platform = 'android', startedAt = Date.now(), sleeps = false }: PhoneOptions,
  ) {
    this.clock = new PhoneClock(startedAt, sleeps);
    this.native = new NativeModules((...event) => this.realm.app.emit(...event), platform);
    const { setTimeout, clearTimeout, elapsed } = this.clock;
    const globals = { setTimeout, clearTimeout, queueMicrotask, performance: { now: elapsed } };
    const realm = createContext({ ...globals, console: SILENT, ...nativeSeam(this.native) });
    runInContext('Date', realm).now = this.clock.now;
    runInContext(program, realm, { filename: 'index.bundle' });
    this.realm = realm as PhoneRealm;
  }

  readonly NetInfo: NetInfoLike = {
    addEventListener: (listener) => {
      this.#networkListeners.add(listener);
      listener(this.#network);
      return () => this.#networkListeners.delete(listener);
    },
  };

  /** The app goes to the back and is stopped there. */
  suspend(how: Suspension): void {
    this.native.tell('appStateDidChange', { app_state: 'background' });
    this.native.suspend(how);
    this.clock.suspend();
  }

  /** What was due fires, what waited is told, then the app learns that it is in front. */
  resume(): void {
    this.clock.resume();
    this.native.resume();
    this.native.tell('appStateDidChange', { app_state: 'active' });
    this.moveTo(this.#network.type);
  }

  moveTo(type: string): void {
    this.#network = { isConnected: type !== 'none', type };
    for (const listener of this.#networkListeners) listener(this.#network);
  }
}

/** By which the new architecture finds native modules. */
function nativeSeam({ get }: NativeModules): object {
  return { RN$Bridgeless: true, nativeModuleProxy: {}, __turboModuleProxy: get };
}

/** Its sockets end with the test. */
export async function startPhone(options: PhoneOptions = {}): Promise<Phone> {
  const { platform = 'android' } = options;
  const program = programs.get(platform) ?? buildProgram(ENTRY, platform);
  programs.set(platform, program);
  const phone = new Phone(await program, options);
  onTestFinished(() => phone.native.close());
  return phone;
}
