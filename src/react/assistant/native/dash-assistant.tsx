/** The assistant in React Native: all of it is in the app. */
import { DashAssistant as Assistant, type DashAssistantProps } from '../dash-assistant.tsx';
import { present } from '../loader.ts';
import { TRANSCRIPT_PARTS } from '../transcript-parts.ts';

const parts = present(TRANSCRIPT_PARTS);

/**
 * The whole assistant: conversations, transcript, composer. It fills its parent. At a change of user it begins anew.
 * @example
 * ```tsx
 * import { DashAssistant, DashProvider } from '@dash-relay/client/react';
 *
 * export const Help = () => (
 *   <DashProvider client={client}>
 *     <DashAssistant
 *       action="homework_help"
 *       strings={{ greeting: 'Hello, Thandi' }}
 *       suggestions={[{ title: 'Quiz me', prompt: 'Ask me five questions about the solar system.' }]}
 *     />
 *   </DashProvider>
 * );
 * ```
 */
export function DashAssistant(props: DashAssistantProps) {
  return <Assistant {...props} parts={parts} />;
}
