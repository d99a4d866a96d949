import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The relay as a part of this page's own address. In production they are two: the page is built with
 * VITE_DASH_RELAY_URL, and its origin is in the relay's ALLOWED_ORIGINS.
 */
const relay = process.env['DASH_RELAY_URL'] ?? 'http://127.0.0.1:8787';
const proxy = { '/v1': { target: relay, ws: true }, '/dev': relay };

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
});
