/** `<DashAssistant/>` on React Native's own mocks. The relay at DASH_URL answers as the names of the tests say. */

import { DashAssistant, DashProvider } from '@dash-relay/client/react';
import { createDashClient } from '@dash-relay/client/react-native';
import { render, screen, userEvent, waitFor } from '@testing-library/react-native';
import { WebSocket } from 'ws';

const { DASH_URL: url, DASH_TOKEN: token } = process.env;
const PATIENCE = { timeout: 15_000 };

let client;
afterEach(() => client.close());

async function ask() {
  client = createDashClient({
    url,
    getToken: () => token,
    webSocket: (address, protocol, bearer) =>
      new WebSocket(address, protocol, { headers: { Authorization: `Bearer ${bearer}` } }),
  });
  await render(
    <DashProvider client={client}>
      <DashAssistant action="chat" />
    </DashProvider>,
  );
  const user = userEvent.setup();
  expect(screen.getByRole('button', { name: 'Send' })).toBeDisabled();
  await user.type(screen.getByLabelText('Ask Dash'), 'Why is the sky blue?');
  await user.press(screen.getByRole('button', { name: 'Send' }));
  return user;
}

it('shows the question, and the whole answer as native text', async () => {
  await ask();
  await screen.findByRole('button', { name: 'Ask again' }, PATIENCE);
  expect(screen.getAllByText('Why is the sky blue?').length).toBeGreaterThan(0);
  expect(screen.getByText('Air')).toHaveStyle({ fontWeight: '600' });
  expect(screen.getByText('Air bends blue light.')).toBeVisible();
  expect(screen.getByLabelText('Ask Dash')).toHaveDisplayValue('');
});

it('stops an answer that goes on for ever, and keeps what there was', async () => {
  const user = await ask();
  await screen.findByText(/It goes on/, {}, PATIENCE);
  await user.press(screen.getByRole('button', { name: 'Stop answering' }));
  await screen.findByText('You stopped this answer.', {}, PATIENCE);
  expect(screen.getByText('It goes on and on')).toBeVisible();
});

it('says that an answer broke off, keeps what there was, and offers another', async () => {
  await ask();
  await screen.findByRole('button', { name: 'Try again' }, PATIENCE);
  expect(screen.getByText('It breaks off')).toBeVisible();
});

it('says that an answer is thought through', async () => {
  const user = await ask();
  await screen.findByText('Thinking it through…', {}, PATIENCE);
  await user.press(screen.getByRole('button', { name: 'Stop answering' }));
  await screen.findByText('You stopped this answer.', {}, PATIENCE);
});

it('says kindly that an answer is declined, and shows nothing of it', async () => {
  await ask();
  await screen.findAllByText(/^Dash can’t help with this one\./, {}, PATIENCE);
  expect(screen.queryByText(/First/)).toBeNull();
  expect(screen.queryByRole('button', { name: /again/ })).toBeNull();
});

it('draws a long table and long code to their ends, each part once', async () => {
  await ask();
  await screen.findByRole('button', { name: 'Ask again' }, PATIENCE);
  await waitFor(() => expect(screen.getAllByText(/^row \d/)).toHaveLength(120), PATIENCE);
  for (const at of [0, 60, 119]) expect(screen.getAllByText(`row ${at}`)).toHaveLength(1);
  await waitFor(() => expect(screen.getAllByText(/^line \d/)).toHaveLength(3), PATIENCE);
});
