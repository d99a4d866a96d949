/** What every client of the load generator can do, whatever it speaks. */
export interface LoadClient {
  /** Settles when streams may start. */
  readonly ready: Promise<void>;
  /** Starts one stream; when it ends, the next follows by itself. */
  start(): void;
  /** Says how much has arrived, where the protocol has a word for it. */
  acknowledge(): void;
}

/** What is asked for where a door names actions. */
export const ACTION = 'general_assistance';

/** A chat of the AI SDK's of one question. */
export function chatOf(id: string, text: string) {
  const messages = [{ id: 'question', role: 'user', parts: [{ type: 'text', text }] }];
  return { id, messages, trigger: 'submit-message' };
}

/** The prompt of a stream: its name and pace are for the upstream, which takes them from there. */
export function promptOf(name: string, deltasPerSecond: number | undefined): string {
  const pace = deltasPerSecond === undefined ? '' : ` pace:${deltasPerSecond}`;
  return `bench:${name}${pace} Please explain how the sum of the first n odd numbers is found.`;
}
