/** The assistant in a browser: it typesets formulas and colours code, by parts that are loaded with the first of each. */
import { DashAssistant as Assistant, type DashAssistantProps } from '../dash-assistant.tsx';
import { RenderingProvider, type WebDrawing } from '../markdown/rendering.ts';
import { ColouredCode } from './coloured-code.tsx';
import { Typeset } from './typeset.tsx';

const WEB: { readonly web: WebDrawing } = { web: { Typeset, ColouredCode } };

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
  return (
    <RenderingProvider value={WEB}>
      <Assistant {...props} />
    </RenderingProvider>
  );
}
