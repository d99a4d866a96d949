/** The assistant in a browser: it typesets formulas, by a part that is loaded when the first one is complete. */
import { DashAssistant as Assistant, type DashAssistantProps } from '../dash-assistant.tsx';
import { RenderingProvider, type WebDrawing } from '../markdown/rendering.ts';
import { Typeset } from './typeset.tsx';

const WEB: { readonly web: WebDrawing } = { web: { Typeset } };

export function DashAssistant(props: DashAssistantProps) {
  return (
    <RenderingProvider value={WEB}>
      <Assistant {...props} />
    </RenderingProvider>
  );
}
