/** The real `ai` as judge of what the relay sends: its schema for each chunk, and the message that it builds of them. */
import { readUIMessageStream, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from 'ai';
import type { AnswerMetadata, UiMessageChunk } from '../../src/ai-sdk/chunks.ts';

export type AnswerMessage = UIMessage<AnswerMetadata>;

/** Also to the compiler each chunk of ours is one of the library's. */
type IsOurs = UiMessageChunk extends UIMessageChunk ? true : never;
export const isOurs: IsOurs = true;

/** What the library says is wrong with a chunk; undefined where nothing is. */
export async function faultOf(chunk: unknown): Promise<string | undefined> {
  const result = await uiMessageChunkSchema().validate?.(chunk);
  if (result === undefined) throw new Error('this version of ai has no schema for chunks');
  return result.success ? undefined : `${JSON.stringify(chunk)}: ${result.error.message}`;
}

export interface BuiltMessage {
  readonly message: AnswerMessage | undefined;
  /** Of the first `error` chunk. */
  readonly error: string | undefined;
}

/** The message that the library makes of these chunks. */
export async function messageOf(chunks: readonly UiMessageChunk[]): Promise<BuiltMessage> {
  let message: AnswerMessage | undefined;
  let error: string | undefined;
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk as UIMessageChunk);
      controller.close();
    },
  });
  const onError = (thrown: unknown): void => {
    error ??= String((thrown as Error).message);
  };
  for await (const next of readUIMessageStream<AnswerMessage>({ stream, onError })) message = next;
  return { message, error };
}

export function textOf({ parts }: Pick<UIMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
