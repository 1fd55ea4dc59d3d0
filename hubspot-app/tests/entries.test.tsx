import { createRenderer } from '@hubspot/ui-extensions/testing';
import { hubspot } from '@hubspot/ui-extensions';
import { afterEach, expect, test, vi } from 'vitest';
import type { ReactNode } from 'react';
import { BASE, backend } from './stage';

afterEach(() => {
  vi.restoreAllMocks();
});

// What HubSpot loads: each entry hands it a component that renders.
test.each([
  ['crm.record.tab', () => import('../src/app/cards/EnrollmentsCard')],
  ['settings', () => import('../src/app/settings/SettingsPage')],
] as const)('the entry for %s renders', async (place, entry) => {
  const log = backend(() => null);
  const extend = vi.spyOn(hubspot, 'extend').mockImplementation(() => undefined);
  await entry();
  const [made] = extend.mock.calls[0] as unknown as [(api: object) => ReactNode];
  const stage = createRenderer(place);
  stage.mocks.context.variables = { API_BASE: BASE };
  stage.render(made({}));
  await stage.waitFor(() => expect(log).toHaveLength(1));
});
