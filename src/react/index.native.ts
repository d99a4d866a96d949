/** `@dash-relay/client/react` in React Native: hooks for React and React Native, and the assistant made of them. */
export { DashAssistant } from './assistant/native/dash-assistant.tsx';
export * from './entry.ts';
