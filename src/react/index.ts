/** `@dash-relay/client/react` in browsers: with what is loaded when it is needed. React Native takes `index.native.ts`. */
export { DashAssistant } from './assistant/web/dash-assistant.tsx';
export * from './entry.ts';
