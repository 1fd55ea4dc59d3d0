import React from 'react';
import { Alert, Button, EmptyState, ErrorState, Link, StatusTag, TableRow } from '@hubspot/ui-extensions';
import { createRenderer } from '@hubspot/ui-extensions/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { Settings } from '../src/app/settings/Settings';
import answer from './answers/settings.json';
import { BAD_GATEWAY, BASE, backend } from './stage';
import type { Answers } from './stage';

afterEach(() => {
  vi.restoreAllMocks();
});

async function shown(answers: Answers) {
  const log = backend(answers);
  const stage = createRenderer('settings');
  stage.mocks.context.variables = { API_BASE: BASE };
  stage.render(<Settings />);
  await stage.waitFor(() => expect(stage.maybeFind(Button)).not.toBeNull());
  return { log, ...stage };
}

test('shows every portal, how it is, and where to mend it', async () => {
  const { log, find, findAll, getRootNode } = await shown(() => answer);
  expect(log).toEqual([{ url: `${BASE}/webhooks/hubspot/cards/settings`, method: 'GET', body: undefined }]);
  expect(findAll(TableRow)).toHaveLength(2);
  expect(find(StatusTag).props.variant).toBe('danger');
  expect(String(find(Alert))).toContain('Enter new keys');
  expect(findAll(Link).map((link) => link.text)).toEqual(['Enter new keys', 'Acme Academy', '4 failing']);
  expect(find(Button).props.href).toEqual({ url: `${BASE}/portals/`, external: true });
  for (const words of ['12 active', '3 invited', '2 waiting']) expect(String(getRootNode())).toContain(words);
});

test('nothing connected leads to connecting', async () => {
  const { find } = await shown(() => ({ ...answer, portals: [], banners: [] }));
  expect(find(EmptyState).props.title).toContain('No LearnUpon portal');
  expect(find(Link).props.href).toEqual({ url: `${BASE}/portals/connect/`, external: true });
});

test.each([
  ['the proxy says our backend failed', () => BAD_GATEWAY],
  [
    'no connection',
    () => {
      throw new Error('no connection');
    },
  ],
])('%s, and a second try that succeeds', async (_, trouble) => {
  let tries = 0;
  const { find, findAll, waitFor } = await shown(() => (tries++ === 0 ? trouble() : answer));
  expect(String(find(ErrorState))).toContain('did not answer');
  find(Button).trigger('onClick');
  await waitFor(() => expect(findAll(TableRow)).toHaveLength(2));
});
