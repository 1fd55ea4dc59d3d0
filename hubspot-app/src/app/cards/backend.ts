// What the card asks Hubsync, and the shapes of its answers: the same names as in learners/cards.py.
// HubSpot's proxy signs each request and appends whose it is, so nothing here says which account is meant.
// https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
import { hubspot } from '@hubspot/ui-extensions';

export interface Course {
  id: string;
  course: string;
  portal: number;
  portal_name: string;
  status: 'not_started' | 'in_progress' | 'completed';
  result: '' | 'passed' | 'failed' | 'pending_review';
  required: boolean;
  progress_percent: number | null;
  score_percent: number | null;
  overdue: boolean;
  due_on: string;
  enrolled_at: string;
  completed_at: string;
  certificate_name: string;
  certificate_expires_on: string;
}

export interface Learner {
  state: 'new' | 'pending' | 'active' | 'paused';
  state_label: string;
  reason: string;
  invitation: string;
  invited_at: string;
  linked_at: string;
  page: string;
  learnupon: string;
}

export interface LatestRequest {
  what: string;
  state: 'waiting' | 'done' | 'failed';
  became: string;
  reason: string;
  at: string;
}

export type Button = 'add' | 'invite' | 'resend' | 'refresh';

export interface Portal {
  id: number;
  name: string;
  address: string;
  state: 'connected' | 'paused' | 'disconnected';
  state_label: string;
  learner: Learner | null;
  latest: LatestRequest | null;
  can: Button[];
}

export interface Everything {
  portals: Portal[];
  enrollments: Course[];
  counts: { not_started: number; in_progress: number; completed: number; overdue: number };
  more: boolean;
  notice: string;
}

export interface Problem {
  error: string;
  message: string;
  link?: string;
}

export interface Accepted {
  message: string;
}

export const UNREACHABLE: Problem = {
  error: 'unreachable',
  message: 'Hubsync did not answer. Nothing is lost; try again in a moment.',
};
const TIMEOUT_MS = 10_000;

export function isProblem(answer: object): answer is Problem {
  return 'error' in answer;
}

/** ASSUMPTION(card-variables): the profile variables the project was uploaded with stand in the card's context. */
export function baseOf(variables: Record<string, unknown> | undefined): string {
  return String(variables?.API_BASE ?? '');
}

export function read(base: string, contactId: number): Promise<Everything | Problem> {
  return send(`${base}/webhooks/hubspot/cards/enrollments?contactId=${contactId}`, { method: 'GET' });
}

export function press(
  base: string,
  button: Button,
  contactId: number,
  portal: number,
): Promise<Accepted | Problem> {
  const body = { contactId: String(contactId), portal };
  return send(`${base}/webhooks/hubspot/cards/${button}`, { method: 'POST', body });
}

/** HubSpot answers for a backend that failed with 200 and `status: "error"`; that is no answer of Hubsync's. */
async function send<Answer extends object>(
  url: string,
  options: { method: 'GET' | 'POST'; body?: Record<string, unknown> },
): Promise<Answer | Problem> {
  try {
    const response = await hubspot.fetch(url, { ...options, timeout: TIMEOUT_MS });
    const answer: unknown = await response.json();
    if (!response.ok || typeof answer !== 'object' || answer === null) return UNREACHABLE;
    if ('status' in answer && answer.status === 'error') return UNREACHABLE;
    return answer as Answer | Problem;
  } catch {
    return UNREACHABLE;
  }
}
