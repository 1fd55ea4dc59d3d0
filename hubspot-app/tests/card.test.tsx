import React from 'react';
import {
  Alert,
  Button,
  EmptyState,
  ErrorState,
  Link,
  LoadingSpinner,
  ProgressBar,
  Select,
  StatusTag,
  Table,
  TableHead,
  TableRow,
  Tag,
} from '@hubspot/ui-extensions';
import { createRenderer } from '@hubspot/ui-extensions/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { Enrollments, LOOKS, LOOK_AGAIN_MS } from '../src/app/cards/Enrollments';
import answer from './answers/enrollments.json';
import { BAD_GATEWAY, BASE, backend } from './stage';
import type { Answers } from './stage';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Place = 'crm.record.tab' | 'crm.record.sidebar';

async function shown(answers: Answers, place: Place = 'crm.record.tab') {
  const log = backend(answers);
  const stage = createRenderer(place);
  stage.mocks.context.variables = { API_BASE: BASE };
  stage.mocks.context.crm = { objectId: 501, objectTypeId: '0-1' };
  stage.mocks.context.portal.timezone = 'UTC';
  stage.render(<Enrollments />);
  expect(stage.find(LoadingSpinner).props.label).toBe('Loading courses');
  await stage.waitFor(() => expect(stage.maybeFind(LoadingSpinner)).toBeNull());
  return { log, ...stage };
}

const texts = (nodes: { text: string | null }[]) => nodes.map((node) => node.text);

function copy(): typeof answer {
  return structuredClone(answer);
}

test('shows portals, courses, progress and links', async () => {
  const { log, find, findAll, getRootNode } = await shown(() => answer);
  expect(log).toEqual([
    { url: `${BASE}/webhooks/hubspot/cards/enrollments?contactId=501`, method: 'GET', body: undefined },
  ]);
  expect(texts(findAll(StatusTag))).toEqual(
    expect.arrayContaining(['Active', 'Not a learner', 'Overdue', 'Passed', '1 overdue', '1 completed']),
  );
  expect(findAll(ProgressBar).map((bar) => bar.props.value)).toEqual([40, 100]);
  expect(texts(findAll(Tag))).toEqual(['Required']);
  expect(texts(findAll(Link))).toEqual(
    expect.arrayContaining(['Acme Academy', 'Everything about this learner', 'Open in LearnUpon']),
  );
  expect(String(find(TableHead))).toContain('Progress');
  expect(String(getRootNode())).toContain('Score 91.3%');
  expect(String(getRootNode())).toContain('Certificate Newcomer until');
});

test('the sidebar has one narrow column', async () => {
  const { maybeFind, findAll } = await shown(() => answer, 'crm.record.sidebar');
  expect(maybeFind(TableHead)).toBeNull();
  expect(findAll(TableRow)).toHaveLength(2);
});

test('the filter narrows the list', async () => {
  const { find, findAll, getRootNode, waitFor } = await shown(() => answer);
  find(Select).trigger('onChange', 'completed' as never);
  await waitFor(() => expect(findAll(ProgressBar)).toHaveLength(1));
  expect(String(getRootNode())).not.toContain('Information security');
});

test('a long list has pages', async () => {
  const many = copy();
  const [first] = many.enrollments;
  if (first === undefined) throw new Error('the answer has courses');
  many.enrollments = Array.from({ length: 25 }, (_, n) => ({ ...first, id: String(n), course: `Course ${n}` }));
  many.more = true;
  const { find, findAll, getRootNode, waitFor } = await shown(() => many);
  expect(findAll(ProgressBar)).toHaveLength(10);
  expect(find(Table).props).toMatchObject({ paginated: true, pageCount: 3, page: 1 });
  find(Table).trigger('onPageChange' as never, 3 as never);
  await waitFor(() => expect(findAll(ProgressBar)).toHaveLength(5));
  expect(String(getRootNode())).toContain('The newest 300 are shown');
});

test('one primary button; a press goes to Hubsync and is looked after until it is done', async () => {
  const waiting = copy();
  const partners = waiting.portals[1];
  if (partners === undefined) throw new Error('the answer has two portals');
  const latest = { what: 'Add learner', state: 'waiting', became: '', reason: '', at: '2026-11-01T00:00:00+00:00' };
  Object.assign(partners, { latest });
  let pressed = false;
  const { log, findAll, mocks, waitFor } = await shown((asked) => {
    if (asked.method === 'POST') {
      pressed = true;
      return { message: 'On its way.' };
    }
    return pressed && log.length < 5 ? waiting : answer;
  });
  const buttons = findAll(Button);
  expect(buttons.map((button) => [button.text, button.props.variant])).toEqual([
    ['Refresh', 'secondary'],
    ['Add learner', 'primary'],
    ['Invite learner', 'secondary'],
  ]);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  findAll(Button)[1]?.trigger('onClick');
  await vi.waitFor(() => expect(texts(findAll(StatusTag))).toContain('Add learner: on its way'));
  expect(log[1]).toEqual({
    url: `${BASE}/webhooks/hubspot/cards/add`,
    method: 'POST',
    body: { contactId: '501', portal: 8 },
  });
  expect(mocks.actions.addAlert.calls).toEqual([[{ type: 'success', message: 'On its way.' }]]);
  expect(findAll(Button).every((button) => button.props.disabled)).toBe(true);
  for (let n = 0; n < 3; n += 1) await vi.advanceTimersByTimeAsync(LOOK_AGAIN_MS);
  vi.useRealTimers();
  await waitFor(() => expect(texts(findAll(StatusTag))).toContain('Not a learner'));
  await waitFor(() => expect(findAll(Button).some((button) => button.props.disabled)).toBe(false));
});

test('looking again ends by itself', async () => {
  const waiting = copy();
  const latest = { what: 'Refresh', state: 'waiting', became: '', reason: '', at: '2026-11-01T00:00:00+00:00' };
  for (const portal of waiting.portals) Object.assign(portal, { latest });
  const { log, find } = await shown((asked) => (asked.method === 'POST' ? { message: 'Yes.' } : waiting));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  find(Button).trigger('onClick');
  for (let n = 0; n < LOOKS * 3; n += 1) await vi.advanceTimersByTimeAsync(LOOK_AGAIN_MS);
  const asked = log.length;
  expect(asked).toBe(1 + 1 + 1 + LOOKS); // the first look, the press, the look after it, and the rest
  await vi.advanceTimersByTimeAsync(LOOK_AGAIN_MS * 10);
  expect(log).toHaveLength(asked);
});

test('what Hubsync refuses is said, and what failed before is shown', async () => {
  const failed = copy();
  const [acme] = failed.portals;
  if (acme === undefined) throw new Error('the answer has portals');
  const latest = { what: 'Add learner', state: 'failed', became: 'No usable e-mail', reason: 'It has no e-mail.' };
  Object.assign(acme, { latest: { ...latest, at: '' }, state: 'paused', state_label: 'Paused' });
  const { find, findAll, mocks, waitFor } = await shown((asked) =>
    asked.method === 'POST' ? { error: 'erased', message: 'This person asked to be forgotten.' } : failed,
  );
  expect(findAll(Alert).map((alert) => alert.props.title)).toEqual(['Paused', 'Add learner: No usable e-mail']);
  find(Button).trigger('onClick');
  await waitFor(() => expect(mocks.actions.addAlert.calls).toHaveLength(1));
  expect(mocks.actions.addAlert.calls[0]?.[0]).toMatchObject({ type: 'danger' });
});

test('an open invitation can be sent again', async () => {
  const invited = copy();
  const [acme] = invited.portals;
  if (acme?.learner == null) throw new Error('the answer has a learner');
  Object.assign(acme, { can: ['resend', 'refresh'] });
  Object.assign(acme.learner, { state: 'pending', state_label: 'Invited', invited_at: '2026-11-01T12:00:00+00:00' });
  const { log, find, getRootNode, waitFor } = await shown((asked) =>
    asked.method === 'POST' ? { message: 'On its way.' } : invited,
  );
  expect(String(getRootNode())).toMatch(/Invited .*2026, not accepted yet/);
  find(Button, { size: 'sm' }).trigger('onClick');
  await waitFor(() => expect(log.some((asked) => asked.url.endsWith('/cards/resend'))).toBe(true));
});

test('nobody yet, nothing connected', async () => {
  const empty = { ...copy(), enrollments: [] };
  expect((await shown(() => empty)).find(EmptyState).props.title).toBe('No courses yet');
  vi.restoreAllMocks();
  const problem = { error: 'no_portal', message: 'Nothing is connected.', link: `${BASE}/portals/connect/` };
  const { find } = await shown(() => problem);
  expect(String(find(EmptyState))).toContain('Nothing is connected.');
  expect(find(Link).props.href).toEqual({ url: `${BASE}/portals/connect/`, external: true });
});

test.each([
  ['the proxy says our backend failed', () => BAD_GATEWAY],
  ['nothing at all', () => null],
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
  await waitFor(() => expect(findAll(ProgressBar)).toHaveLength(2));
});

test('a notice from Hubsync stands on top', async () => {
  const { find } = await shown(() => ({ ...copy(), notice: 'Install it again.' }));
  expect(find(Alert).props.title).toBe('Install it again.');
});
