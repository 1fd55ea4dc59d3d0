// What the settings page asks Hubsync: the same names as in learners/cards.py. A folder of its own, because HubSpot
// bundles each feature from its own folder.
import { hubspot } from '@hubspot/ui-extensions';

export interface PortalHealth {
  id: number;
  name: string;
  host: string;
  state: 'connected' | 'paused' | 'disconnected';
  state_label: string;
  reason: string;
  people: string;
  learners: number;
  invited: number;
  waiting: number;
  failing: number;
  ready: boolean;
  last_event_at: string;
  last_walk_at: string;
  page: string;
  activity: string;
}

export interface Overview {
  portals: PortalHealth[];
  banners: { text: string; link: string; label: string }[];
  connected: boolean;
  pages: { portals: string; connect: string };
}

const TIMEOUT_MS = 10_000;

/** null when Hubsync did not answer; HubSpot's proxy then answers for it, with 200 and `status: "error"`. */
export async function overview(base: string): Promise<Overview | null> {
  try {
    const url = `${base}/webhooks/hubspot/cards/settings`;
    const response = await hubspot.fetch(url, { method: 'GET', timeout: TIMEOUT_MS });
    const answer: unknown = await response.json();
    if (!response.ok || typeof answer !== 'object' || answer === null) return null;
    return 'portals' in answer ? (answer as Overview) : null;
  } catch {
    return null;
  }
}
