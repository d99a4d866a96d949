/** What is measured: something between the upstream and the load generator. */

/** What a subject talks to. */
export interface Backends {
  readonly securePort: number;
  readonly plainPort: number;
  /** PEM file of the certificate the secure port shows. */
  readonly certFile: string;
  /** Where the keys of the clients' tokens are: a Supabase project's URL. */
  readonly supabaseUrl: string;
}

/** How the load generator asks for an answer. */
export interface Door {
  /**
   * `relay`: frames of PROTOCOL.md. `chats`: those of the AI SDK's WebSocketChatTransport. `sse`: one POST a stream, one at a time a
   * connection. `plan`: the plan's frames.
   */
  readonly kind: 'relay' | 'chats' | 'sse' | 'plan';
  /** What is posted, where that is not a request to the Messages API: then a token goes with it. */
  readonly asks?: 'start' | 'ui_messages' | 'ag_ui';
  readonly path: string;
  /** Beyond those of every request. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Environment = Readonly<Record<string, string>>;

export interface Subject {
  /** Column heading. */
  readonly name: string;
  /** Whether it can start on this machine, or why not. */
  readonly unavailable: string | null;
  /** What it is, for the report: name and version. */
  readonly version: string;
  /** The checkout it runs from; null for what is none of ours. */
  readonly directory: string | null;
  /** @param environment for a checkout of ours: settings of the scenario */
  start(backends: Backends, environment?: Environment): Promise<RunningSubject>;
}

export interface RunningSubject extends AsyncDisposable {
  readonly port: number;
  readonly door: Door;
  /** Root of the process tree whose CPU and memory count; null where there is no process of its own. */
  readonly pid: number | null;
  /** The end of its log, for the report of a failure. */
  log(): string;
}
