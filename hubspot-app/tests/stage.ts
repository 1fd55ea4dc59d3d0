// HubSpot around the card: its context, and a backend that answers what the test says.
import { hubspot } from '@hubspot/ui-extensions';
import { vi } from 'vitest';

export const BASE = 'https://hubsync.example.com';

export interface Asked {
  url: string;
  method: string;
  body: unknown;
}

export type Answers = (asked: Asked) => unknown;

/** `hubspot.fetch` is not among HubSpot's own mocks. What is thrown is a backend that cannot be reached. */
export function backend(answers: Answers): Asked[] {
  const log: Asked[] = [];
  vi.spyOn(hubspot, 'fetch').mockImplementation((url, options) => {
    const asked = { url: String(url), method: options?.method ?? 'GET', body: options?.body };
    log.push(asked);
    return Promise.resolve().then(() => new Response(JSON.stringify(answers(asked)), { status: 200 }));
  });
  return log;
}

/** What HubSpot's proxy answers when the backend answered anything but 2xx. */
export const BAD_GATEWAY = { status: 'error', category: 'BAD_GATEWAY', context: { appServerStatusCode: ['401'] } };
