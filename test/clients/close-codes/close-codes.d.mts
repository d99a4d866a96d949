import type { ToldClose } from './clients.ts';

export function closeOf(url: string, asked: string, WebSocket?: unknown): Promise<ToldClose>;
