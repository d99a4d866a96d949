/** The assistant and a single answer in an app whose user changes: `window.token` is of whoever is signed in. */
import { createRoot } from 'react-dom/client';
import { createDashClient, type DashClient } from '../../../src/client/index.ts';
import { DashAssistant, DashProvider, useDashStream } from '../../../src/react/index.ts';

declare global {
  interface Window {
    token: string | null;
    client: DashClient;
  }
}

const { url, token } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as {
  url: string;
  token: string;
};
window.token = sessionStorage.getItem('token') ?? token;
window.client = createDashClient({ url, getToken: () => window.token });

function Single() {
  const { start, text } = useDashStream();
  const ask = () => start({ action: 'chat', messages: [{ role: 'user', content: 'Once' }] });
  return (
    <button type="button" aria-label="single" onClick={ask}>
      {text}
    </button>
  );
}

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <DashProvider client={window.client} storage={sessionStorage}>
      <Single />
      <DashAssistant />
    </DashProvider>,
  );
}
