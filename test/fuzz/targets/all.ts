import type { FuzzTarget } from '../fuzz-target.ts';
import { chatSocket } from './chat-socket.ts';
import { clientFrames } from './client-frames.ts';
import { clientSdk } from './client-sdk.ts';
import { connection } from './connection.ts';
import { environment } from './environment.ts';
import { headers } from './headers.ts';
import { settingsFiles } from './settings-files.ts';
import { sharedStore } from './shared-store.ts';
import { tokens } from './tokens.ts';
import { uploads } from './uploads.ts';
import { upstreamBody } from './upstream-body.ts';
import { usageExport } from './usage-export.ts';
import { requestBytes, socketBytes } from './wire.ts';

/** Those that need nothing but this process. */
export const TARGETS: readonly FuzzTarget[] = [
  clientFrames,
  uploads,
  upstreamBody,
  tokens,
  headers,
  connection,
  chatSocket,
  socketBytes,
  requestBytes,
  settingsFiles,
  environment,
  usageExport,
  sharedStore,
  clientSdk,
];
