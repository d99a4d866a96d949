import { DashAssistant, DashProvider } from '@dash-relay/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Connection } from './connection';
import { client } from './dash-client';
import { Explain } from './explain';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element "root"');

createRoot(root).render(
  <StrictMode>
    {/* `sessionStorage`: a reload in the middle of an answer goes on with it. The default keeps nothing. */}
    <DashProvider client={client} storage={() => sessionStorage}>
      <header>
        <h1>Dash Relay in a page</h1>
        <Connection />
      </header>
      <Explain />
      <main>
        {/* It fills its container: a flex box with a height. */}
        <DashAssistant action="homework_help" />
      </main>
    </DashProvider>
  </StrictMode>,
);
