import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { DashAssistant, DashProvider } from '../react/index.ts';
import { createDemo } from './create-demo.ts';
import { Page } from './page.tsx';
import './page.css';
import './controls.css';
import './panel.css';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the demo');
const demo = createDemo(location.origin);
createRoot(root).render(
  <StrictMode>
    <DashProvider client={demo.client} storage={sessionStorage}>
      <Page demo={demo}>
        <DashAssistant />
      </Page>
    </DashProvider>
  </StrictMode>,
);
