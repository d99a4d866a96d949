/** The assistant on a page of its own. The address holds what the test wants: `#{"url", "token", "props"}`. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { DashAssistant, type DashAssistantProps, DashProvider } from '../../../src/react/index.ts';

interface PageSetting {
  readonly url: string;
  readonly token: string;
  readonly props?: DashAssistantProps;
}

const { url, token, props } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as PageSetting;
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <DashProvider options={{ url, getToken: () => token }} storage={sessionStorage}>
        <DashAssistant {...props} />
      </DashProvider>
    </StrictMode>,
  );
}
