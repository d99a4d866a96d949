/** The assistant in a browser: what draws conversations is loaded when the first question is typed, or where there are some. */
import { DashAssistant as Assistant, type DashAssistantProps } from '../dash-assistant.tsx';
import { createLoader } from '../loader.ts';

const parts = createLoader(async () => (await import('./transcript-parts.ts')).WEB_PARTS);

/**
 * The whole assistant, as it is in browsers. It fills its parent. At a change of user it begins anew.
 * @example
 * ```tsx
 * import { DashAssistant, DashProvider } from '@dash-relay/client/react';
 *
 * export const Help = () => (
 *   <DashProvider client={client}>
 *     <DashAssistant action="homework_help" suggestions={[{ title: 'Fractions', prompt: 'What is $\frac{1}{2}$ of 14?' }]} />
 *   </DashProvider>
 * );
 * ```
 */
export function DashAssistant(props: DashAssistantProps) {
  return <Assistant {...props} parts={parts} />;
}
