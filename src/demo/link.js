/**
 * One WebSocket to the relay that comes back by itself. Owns the socket, its token and its timers; knows nothing of
 * streams.
 *
 *   connecting ──hello──► online ──lost──► waiting ──► connecting …
 *        └──── refused for good, or a close that says stop ────► stopped ──connect()──► connecting
 */
import { backoffMs } from './backoff.js';
import { closeVerdict } from './close-verdict.js';
import { Heartbeat } from './heartbeat.js';
import { TokenRefused } from './tokens.js';

const SUBPROTOCOL = 'dash-relay.v1';
const HELLO_WITHIN_MS = 10_000;
const RENEW_AGAIN_MS = 5_000;

export class Link {
  /** `connecting`, `online`, `waiting` or `stopped`. */
  state = 'connecting';
  /** Why it stopped: a code of the contract, or `no_token`. */
  reason;
  /** The relay's latest `hello`. */
  hello;
  #url;
  #tokens;
  #events;
  #socket;
  #timer;
  #renewal;
  /** Attempts since the last hello. */
  #attempt = 0;
  /** Each opening has a number, so that an answer which arrives late opens nothing. */
  #opening = 0;
  /** Tokens refused in a row. */
  #refusals = 0;
  #heartbeat = new Heartbeat({ ping: () => this.send({ type: 'ping' }), dead: () => this.#backOff() });

  /** `events`: { changed(), opened(), frame(frame), left(), stopped(reason), hint() → ms a restart asked us to wait } */
  constructor({ url, tokens, events }) {
    this.#url = url;
    this.#tokens = tokens;
    this.#events = events;
  }

  connect() {
    this.#refusals = 0;
    this.#attempt = 0;
    void this.#open();
  }

  /** Attempts at once instead of waiting: the network is back, or somebody pressed a button. */
  hurry() {
    if (this.state === 'waiting') void this.#open();
  }

  /** Sends if the socket is open; what is lost otherwise is made good by following the runs again. */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Closes the socket without cancelling anything, and comes back after `ms`. */
  leaveFor(ms) {
    this.#leave();
    this.#timer = setTimeout(() => void this.#open(), ms);
    this.#change('waiting');
  }

  async #open() {
    this.#leave();
    const opening = this.#opening;
    this.#change('connecting');
    try {
      const token = await this.#tokens.current();
      if (opening === this.#opening) this.#dial(token);
    } catch (error) {
      if (opening !== this.#opening) return;
      if (error instanceof TokenRefused) this.#stop('no_token');
      else this.#backOff();
    }
  }

  #dial(token) {
    const socket = new WebSocket(this.#url, [SUBPROTOCOL, `bearer.${token}`]);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#backOff(), HELLO_WITHIN_MS);
    let opened = false;
    socket.onopen = () => {
      opened = true;
    };
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => (opened ? this.#closed(code) : void this.#refused(token));
  }

  /** Lets go of socket and timers: nothing of the old socket is heard afterwards. */
  #leave() {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#opening += 1;
    this.#heartbeat.stop();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#events.left();
  }

  #closed(code) {
    const verdict = closeVerdict(code);
    if (verdict === 'fresh-token') return this.#reopenWithFreshToken();
    this.#refusals = 0;
    if (verdict === 'stop') this.#stop(code === 4403 ? 'unauthorized' : 'bad_request');
    else if (verdict === 'after-hint') this.leaveFor(this.#events.hint());
    else this.#backOff();
  }

  /** A browser sees 1006 for every refused handshake; the session route tells why. */
  async #refused(token) {
    const opening = this.#opening;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch('/v1/session', { headers }).catch(() => undefined);
    if (opening !== this.#opening) return;
    if (answer?.status === 401) this.#reopenWithFreshToken();
    else if (answer?.status === 403) this.#stop('forbidden');
    else this.#backOff(Number(answer?.headers.get('retry-after') ?? 0) * 1000);
  }

  /** Once; a second refusal in a row would only repeat itself. */
  #reopenWithFreshToken() {
    this.#tokens.forget();
    this.#refusals += 1;
    if (this.#refusals > 1) this.#stop('unauthorized');
    else void this.#open();
  }

  #backOff(atLeastMs = 0) {
    this.leaveFor(backoffMs(this.#attempt, atLeastMs));
    this.#attempt += 1;
  }

  #stop(reason) {
    this.#leave();
    this.reason = reason;
    this.#change('stopped');
    this.#events.stopped(reason);
  }

  #change(state) {
    this.state = state;
    this.#events.changed();
  }

  #received(frame) {
    this.#heartbeat.heard();
    if (frame.type === 'hello') this.#greeted(frame);
    else if (frame.type === 'token_expiring') void this.#renewToken();
    else if (frame.type === 'authenticated') this.#refusals = 0;
    else if (frame.type === 'error' && frame.id === undefined) this.#authRefused(frame);
    else this.#events.frame(frame);
  }

  #greeted(hello) {
    clearTimeout(this.#timer);
    this.hello = hello;
    this.#attempt = 0;
    this.#heartbeat.start(hello.heartbeatMs);
    this.#change('online');
    this.#events.opened();
  }

  async #renewToken() {
    const opening = this.#opening;
    try {
      const token = await this.#tokens.renew();
      if (opening === this.#opening) this.send({ type: 'auth', token });
    } catch {
      if (opening === this.#opening) this.#renewLater();
    }
  }

  /** The old token holds until it expires; after that the close says so. */
  #authRefused({ retryable }) {
    if (retryable) this.#renewLater();
  }

  #renewLater() {
    this.#renewal = setTimeout(() => void this.#renewToken(), RENEW_AGAIN_MS);
  }
}
