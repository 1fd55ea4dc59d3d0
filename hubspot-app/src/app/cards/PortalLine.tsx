// One LearnUpon portal and how the person stands in it, with the buttons that make sense there.
import React from 'react';
import { Alert, Button, ButtonRow, Flex, Link, StatusTag, Text } from '@hubspot/ui-extensions';
import type { Button as Name, Portal } from './backend';
import type { Write } from './courses';

const WORDS: Record<Name, string> = {
  add: 'Add learner',
  invite: 'Invite learner',
  resend: 'Resend invitation',
  refresh: 'Refresh',
};

interface PortalLineProps {
  portal: Portal;
  busy: boolean;
  /** HubSpot's review allows one primary button on a surface; one line has it. */
  leads: boolean;
  write: Write;
  onPress: (name: Name, portal: Portal) => void;
}

export function PortalLine({ portal, busy, leads, write, onPress }: PortalLineProps) {
  return (
    <Flex direction="column" gap="extra-small">
      <Flex direction="row" gap="small" align="center" wrap="wrap">
        <Link href={{ url: portal.address, external: true }}>{portal.name}</Link>
        <Standing portal={portal} />
      </Flex>
      <Notes portal={portal} write={write} />
      <Links portal={portal} />
      {portal.can.length > 0 && (
        <ButtonRow>
          {portal.can.map((name) => (
            <Button
              key={name}
              size="sm"
              disabled={busy}
              variant={leads && name === 'add' ? 'primary' : 'secondary'}
              onClick={() => onPress(name, portal)}
            >
              {WORDS[name]}
            </Button>
          ))}
        </ButtonRow>
      )}
    </Flex>
  );
}

function Standing({ portal }: { portal: Portal }) {
  if (portal.latest?.state === 'waiting') return <StatusTag variant="info">{`${portal.latest.what}: on its way`}</StatusTag>;
  if (portal.learner === null) return <StatusTag variant="default">Not a learner</StatusTag>;
  const variants = { new: 'info', pending: 'warning', active: 'success', paused: 'default' } as const;
  return <StatusTag variant={variants[portal.learner.state]}>{portal.learner.state_label}</StatusTag>;
}

function Notes({ portal, write }: { portal: Portal; write: Write }) {
  const { learner, latest } = portal;
  return (
    <>
      {portal.state !== 'connected' && <Alert title={portal.state_label} variant="warning" />}
      {latest?.state === 'failed' && (
        <Alert title={`${latest.what}: ${latest.became}`} variant="warning">
          {latest.reason}
        </Alert>
      )}
      {learner?.state === 'pending' && learner.invited_at !== '' && (
        <Text variant="microcopy">{`Invited ${write(learner.invited_at)}, not accepted yet`}</Text>
      )}
      {learner !== null && learner.reason !== '' && <Text variant="microcopy">{learner.reason}</Text>}
    </>
  );
}

function Links({ portal }: { portal: Portal }) {
  if (portal.learner === null) return null;
  return (
    <Flex direction="row" gap="small" wrap="wrap">
      <Link href={{ url: portal.learner.page, external: true }}>Everything about this learner</Link>
      {portal.learner.learnupon !== '' && (
        <Link href={{ url: portal.learner.learnupon, external: true }}>Open in LearnUpon</Link>
      )}
    </Flex>
  );
}
