import { RelayError } from '../protocol/relay-error.ts';
import type { NotServed } from './names.ts';

const WHAT: Readonly<Record<NotServed, string>> = {
  client_tools: "tools of the client's own",
  embeddings: 'embeddings',
  image_generation: 'image generation',
  ocr: 'text recognition in images',
  text_to_speech: 'text to speech',
  transcription: 'speech to text',
  web_search: 'web search',
};

/** Something that the old functions did and this relay does not: 501, in one sentence. */
export class NotServedError extends RelayError {
  /** @param name of the action: one of the table, or one that this relay has */
  constructor(name: string, what: NotServed) {
    super(
      'unsupported',
      `${name}: ${WHAT[what]} is not served here; ask the old function, or have it passed on by LEGACY_FUNCTIONS_URL`,
      { cause: what },
    );
  }

  override get status(): number {
    return 501;
  }
}
